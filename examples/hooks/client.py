"""A client of the SageMaker endpoint: one environment variable points it to Tollgate, of which it knows nothing."""

import json
import sys

import boto3

APEX = "for (Account a : accounts) { a.Name = 'New'; update a; }"


def main() -> None:
    """Ask the endpoint for the findings in a piece of Apex, and print them, with the variant that answered."""
    client = boto3.client("sagemaker-runtime", region_name="us-east-1")
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        answer = client.invoke_endpoint(
            EndpointName="apexguru-prod",
            ContentType="application/json",
            Body=json.dumps({"apex": APEX, "severity": "high"}),
        )
        findings = json.loads(answer["Body"].read())
        print(answer["InvokedProductionVariant"], findings["count"], findings["findings"][0]["rule"])


main()
