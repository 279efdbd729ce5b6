# The contract suite inside the deployment: functions in its network, started by a state machine, so that
# no way leads in from outside.

locals {
  # From inside, an emulated API has another address.
  api_url = local.is_emulated ? "${local.endpoint_url}/restapis/${module.anonlink.rest_api_id}/api/_user_request_" : module.anonlink.api_url

  results_arn = "arn:${local.partition}:s3:::${local.results_bucket}"
}

resource "aws_lambda_layer_version" "tests" {
  layer_name               = "${var.name_prefix}-tests"
  description              = "What the contract suite needs."
  filename                 = var.packages.layers["tests"]
  source_code_hash         = filebase64sha256(var.packages.layers["tests"])
  compatible_runtimes      = ["python3.11"]
  compatible_architectures = ["x86_64"]
}

module "suite" {
  source = "../modules/functions"

  name_prefix        = var.name_prefix
  package_path       = var.packages.tests
  publish_versions   = false
  tracing_enabled    = !local.is_emulated
  log_retention_days = 1
  layer_arns         = merge(module.anonlink.layer_arns, { tests = aws_lambda_layer_version.tests.arn })
  environment = merge(
    { SERVER = local.api_url, RESULTS_BUCKET = local.results_bucket },
    local.is_emulated ? { AWS_ENDPOINT_URL = local.endpoint_url } : {},
  )
  vpc_config = {
    subnet_ids         = var.network.function_subnet_ids
    security_group_ids = [var.network.function_security_group_id]
  }

  functions = {
    test_module = {
      handler         = "tests.inside.run_module"
      description     = "Runs one module of the contract suite."
      layers          = ["base", "linking", "tests"]
      memory_mb       = 1769 # one vCPU
      timeout_seconds = 900
      policy          = [{ actions = ["s3:PutObject"], resources = ["${local.results_arn}/results/*"] }]
    }
    test_results = {
      handler         = "tests.inside.collect"
      description     = "Joins the results of all modules."
      layers          = ["base", "linking", "tests"]
      memory_mb       = 512
      timeout_seconds = 60
      policy = [
        { actions = ["s3:GetObject"], resources = ["${local.results_arn}/results/*"] },
        { actions = ["s3:PutObject"], resources = ["${local.results_arn}/results.xml"] },
        # Without it a result that is missing looks like one that is forbidden.
        { actions = ["s3:ListBucket"], resources = [local.results_arn] },
      ]
    }
  }
}

module "suite_workflow" {
  source = "../modules/workflow"

  name_prefix = var.name_prefix
  state_machines = {
    tests = { template = "${path.module}/tests.asl.json", functions = ["test_module", "test_results"] }
  }
  function_arns       = module.suite.qualified_arns
  placeholders        = { Concurrency = var.concurrency }
  manifest_bucket_arn = local.results_arn # unused: its Map is not distributed
  tracing_enabled     = !local.is_emulated
  log_retention_days  = 1
}
