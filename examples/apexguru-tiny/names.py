"""The names that generated Apex uses: two sets that share nothing, one to train on and one to test with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(" "))


def _texts(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words to build names from. Invented words, made of syllables, keep the model from learning names by heart."""

    objects: tuple[str, ...]
    fields: tuple[str, ...]
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    texts: tuple[str, ...]
    syllables: tuple[str, ...]


TRAINING = Vocabulary(
    objects=_words(
        "Account Contact Opportunity Lead Case Task Event Asset Contract Order Product2 Campaign Quote User "
        "OpportunityLineItem CampaignMember EmailMessage Entitlement Invoice__c Shipment__c Project__c "
        "Inspection__c Region__c Subscription__c Payment__c"
    ),
    fields=_words(
        "Name Status Description Phone Industry Rating Amount StageName Priority Subject Email OwnerId ParentId "
        "AccountId ContactId Type Website CloseDate Score__c Total__c Discount__c Region__c Notes__c Due_Date__c "
        "Is_Active__c Tier__c Segment__c BillingCity Title LastName"
    ),
    nouns=_words(
        "Account Contact Order Report Batch Price Rate Sync Region Territory Invoice Renewal Score Queue Email "
        "Ticket Budget Forecast Quota Visit Survey Asset Member Partner Vendor Store Stock Shipment Delivery "
        "Address City Country Currency Tax Fee Credit Debit Balance Loan Payment Refund Return Line Item "
        "Product Catalog Bundle Feature Release Version Build Test Mock Data Record Field Object Trigger "
        "Event Log Error Message Alert Task Step Plan Goal Team Role Group User Profile Access Token Session "
        "Cache Map List Set Util Factory Builder Parser Loader Writer Reader Filter Sorter Mapper Router "
        "Worker Runner Checker Finder Cleaner Counter Tracker "
        "Summary Total Owner Lead Case Service Handler Helper Manager Controller Selector Utility Processor Job"
    ),
    verbs=_words(
        "update process run calculate assign sync load build apply collect refresh handle merge notify execute "
        "recalculate create prepare send enrich close score roll get set fix"
    ),
    texts=_texts(
        "Closed Won|New|Working|Hot|High|Customer|Partner|Prospecting|done|Not found|Web|Manual review|EMEA|"
        "Renewal due|processed|Gold|In Progress|Escalated|- none -|missing owner|Standard User|total: "
    ),
    syllables=tuple(
        first + vowel + last for first in "bcdfgklmnprstvz" for vowel in "aeiou" for last in ("", "", "l", "n", "r")
    ),
)

HELD_OUT = Vocabulary(
    objects=_words(
        "Solution Pricebook2 WorkOrder ServiceAppointment Partner Idea Booking__c Vehicle__c Claim__c "
        "Policy__c Warranty__c Course__c"
    ),
    fields=_words(
        "Department Fax Reason Origin Probability NextStep Stage__c Balance__c Margin__c Country__c Serial__c "
        "Approved__c Level__c ShippingCity Company FirstName"
    ),
    nouns=_words("Booking Claim Policy Vehicle Warranty Course Margin Audit Ledger Planner Engine Facade Gateway"),
    verbs=_words("compute migrate archive approve reconcile publish schedule transfer evaluate submit"),
    texts=_texts("Approved|Pending|Cold|Low|Vendor|Phone|Second line|archived|APAC|Silver|On Hold|Rejected"),
    syllables=_words("ju hex wol qui nax yes bri oph cuq dah eth fro gim ska vud"),
)


class Names:
    """Draws names of each kind: objects, fields, variables, classes."""

    def __init__(self, random: Random, vocabulary: Vocabulary) -> None:
        self.random = random
        self._vocabulary = vocabulary

    def word(self) -> str:
        """A capitalised word, real or invented."""
        if self.random.random() < 0.5:
            return self.random.choice(self._vocabulary.nouns)
        return "".join(self.random.choices(self._vocabulary.syllables, k=self.random.randint(2, 4))).capitalize()

    def object(self) -> str:
        if self.random.random() < 0.65:
            return self.random.choice(self._vocabulary.objects)
        return f"{self.word()}__c"

    def field(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(self._vocabulary.fields)
        return f"{self.word()}__c"

    def class_name(self) -> str:
        return "".join(self.word() for _ in range(self.random.randint(1, 3)))

    def method(self) -> str:
        return self.random.choice(self._vocabulary.verbs) + "".join(
            self.word() for _ in range(self.random.randint(0, 2))
        )

    def text(self) -> str:
        return self.random.choice(self._vocabulary.texts)

    def variable(self, hint: str) -> str:
        """A variable for one `hint` (an object's name): its first letter, itself, or something unrelated."""
        stem = hint.removesuffix("__c")
        stem = stem[0].lower() + stem[1:]
        word = self.word()
        return self.random.choice((stem[0], stem[:3], stem, stem, word[0].lower() + word[1:], "record", "item"))

    def plural(self, variable: str) -> str:
        """A list of what `variable` is one of."""
        word = self.word()
        return self.random.choice(
            (
                f"{variable}s",
                f"{variable}s",
                f"{variable}List",
                f"all{word}s",
                f"{word[0].lower()}{word[1:]}s",
                "records",
                "scope",
            )
        )
