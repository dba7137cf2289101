"""CloudWatch: the metrics in functions' own lines, and figures of them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from tollgate.emulators.cloudwatch.endpoint import CloudWatchApi
from tollgate.emulators.cloudwatch.metrics import MetricStore

__all__ = ["CloudWatchApi", "MetricStore"]
