# A function is as the table says, and logs before it runs.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix        = "test"
  package_path       = "./tests/package.txt"
  layer_arns         = { base = "arn:aws:lambda:eu-west-1:123456789012:layer:base:1" }
  environment        = { SHARED = "1", OWN = "shared" }
  secret_environment = { PASSWORD = "secret" }
  functions = {
    plain = {
      handler         = "module.plain"
      description     = "Plain."
      memory_mb       = 256
      timeout_seconds = 60
      policy          = []
    }
    rich = {
      handler              = "module.rich"
      description          = "Has everything."
      memory_mb            = 3008
      timeout_seconds      = 900
      ephemeral_storage_mb = 10240
      concurrency          = 3
      schedule             = "rate(1 minute)"
      environment          = { OWN = "own" }
      layers               = ["base"]
      policy               = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::test/*"] }]
    }
  }
  roles = {
    narrow = {
      description = "Something narrower."
      assumed_by  = ["rich"]
      policy      = [{ actions = ["s3:PutObject"], resources = ["arn:aws:s3:::test/*"] }]
    }
  }
}

run "a_function_is_as_the_table_says" {
  module {
    source = "./modules/functions"
  }

  assert {
    condition = alltrue([
      aws_lambda_function.this["rich"].function_name == "test-rich",
      aws_lambda_function.this["rich"].handler == "module.rich",
      aws_lambda_function.this["rich"].memory_size == 3008,
      aws_lambda_function.this["rich"].timeout == 900,
      aws_lambda_function.this["rich"].ephemeral_storage[0].size == 10240,
      aws_lambda_function.this["rich"].reserved_concurrent_executions == 3,
      one(aws_lambda_function.this["rich"].layers) == "arn:aws:lambda:eu-west-1:123456789012:layer:base:1",
      aws_lambda_function.this["rich"].runtime == "python3.11",
    ])
    error_message = "What the table says must reach Lambda."
  }

  assert {
    condition     = nonsensitive(aws_lambda_function.this["rich"].environment[0].variables) == tomap({ SHARED = "1", OWN = "own", PASSWORD = "secret" })
    error_message = "A function's own variables win over the shared ones."
  }

  assert {
    condition     = aws_lambda_function.this["plain"].ephemeral_storage[0].size == 512 && length(aws_lambda_function.this["plain"].vpc_config) == 0 && length(coalesce(aws_lambda_function.this["plain"].layers, [])) == 0
    error_message = "What the table doesn't say is Lambda's least."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function["plain"].name == "/aws/lambda/test-plain" && aws_cloudwatch_log_group.function["plain"].retention_in_days == 365
    error_message = "Log groups are made here, so that they don't keep everything for ever."
  }

  assert {
    condition     = output.qualified_arns["plain"] != output.arns["plain"]
    error_message = "Each change makes a version."
  }

  assert {
    condition     = !strcontains(output.policies["plain"], "ec2:") && strcontains(output.policies["plain"], "xray:PutTraceSegments")
    error_message = "Outside a VPC nobody needs network interfaces."
  }
}

run "only_scheduled_functions_run_by_the_clock" {
  module {
    source = "./modules/functions"
  }

  assert {
    condition     = keys(aws_cloudwatch_event_rule.schedule) == ["rich"] && aws_cloudwatch_event_rule.schedule["rich"].schedule_expression == "rate(1 minute)"
    error_message = "One schedule."
  }

  assert {
    condition     = aws_lambda_permission.schedule["rich"].source_arn == aws_cloudwatch_event_rule.schedule["rich"].arn && aws_lambda_permission.schedule["rich"].principal == "events.amazonaws.com"
    error_message = "The rule may call the function, and no other rule."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.schedule["rich"].destination_config[0].on_failure[0].destination == aws_sqs_queue.failures[0].arn
    error_message = "A failed call is kept."
  }

  assert {
    condition     = !strcontains(output.policies["plain"], "sqs:") && strcontains(output.policies["rich"], "arn:aws:sqs:eu-west-1:123456789012:test-failures")
    error_message = "Only scheduled functions may write to the queue."
  }
}

run "a_role_is_assumed_by_whom_the_table_names" {
  module {
    source = "./modules/functions"
  }

  assert {
    condition     = jsondecode(aws_iam_role.assumed["narrow"].assume_role_policy).Statement[0].Principal == { AWS = [aws_iam_role.function["rich"].arn] }
    error_message = "Only the named functions may assume it."
  }

  assert {
    condition     = aws_iam_role.assumed["narrow"].max_session_duration == 3600
    error_message = "An hour, unless the table says otherwise."
  }
}

run "in_a_vpc_without_versions_or_traces" {
  module {
    source = "./modules/functions"
  }

  variables {
    vpc_config       = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
    publish_versions = false
    tracing_enabled  = false
    functions = {
      plain = { handler = "module.plain", description = "Plain.", memory_mb = 256, timeout_seconds = 60, policy = [] }
    }
    roles = {}
  }

  assert {
    condition     = one(aws_lambda_function.this["plain"].vpc_config[0].subnet_ids) == "subnet-1" && strcontains(output.policies["plain"], "ec2:CreateNetworkInterface")
    error_message = "In a VPC Lambda needs network interfaces."
  }

  assert {
    condition     = output.qualified_arns["plain"] == output.arns["plain"] && !strcontains(output.policies["plain"], "xray:")
    error_message = "No versions, no traces."
  }

  assert {
    condition     = length(aws_sqs_queue.failures) == 0 && output.failures_queue_name == null
    error_message = "Nothing is scheduled, so nothing is kept."
  }
}

run "beyond_lambda_s_limits_is_refused" {
  command = plan

  module {
    source = "./modules/functions"
  }

  variables {
    architecture = "mips"
    functions = {
      big = { handler = "module.big", description = "Too big.", memory_mb = 10241, timeout_seconds = 901, ephemeral_storage_mb = 10241, policy = [] }
    }
    roles = {}
  }

  expect_failures = [var.functions, var.architecture]
}
