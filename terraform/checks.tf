# Warns, since whoever deploys may not be allowed to read quotas.
check "concurrency" {
  data "aws_servicequotas_service_quota" "concurrency" {
    service_code = "lambda"
    quota_code   = "L-B99A9384" # concurrent executions
  }

  assert {
    condition     = local.compare.concurrency < data.aws_servicequotas_service_quota.concurrency.value
    error_message = "One run may use ${local.compare.concurrency} compare functions at a time, and the account has ${data.aws_servicequotas_service_quota.concurrency.value} for everything: the API would find none free. Lower compare.concurrency, or ask for a higher quota."
  }
}
