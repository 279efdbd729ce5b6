# State machines are filled in, and log without data.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix         = "test"
  manifest_bucket_arn = "arn:aws:s3:::test-data"
  placeholders        = { CompareConcurrency = 7 }
  function_arns = {
    for name in ["ingest", "reject", "plan", "link_small", "compare", "merge", "merge_part", "reuse", "solve", "permute", "encrypt_mask", "complete", "fail", "purge"] :
    name => "arn:aws:lambda:eu-west-1:123456789012:function:test-${name}:7"
  }
  state_machines = {
    link  = { template = "../stepfunctions/link.asl.json", functions = ["plan", "compare"] }
    purge = { template = "../stepfunctions/purge.asl.json", functions = ["purge"] }
  }
}

run "definitions_are_filled_in" {
  module {
    source = "./modules/workflow"
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["link"].definition).States.LinkSmall.Parameters.FunctionName == "arn:aws:lambda:eu-west-1:123456789012:function:test-link_small:7"
    error_message = "A state calls the version it is given."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["link"].definition).States.EncryptMask.MaxConcurrency == 7
    error_message = "Masks are encrypted by as many functions as compare."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.this["link"].definition).States.Compare.MaxConcurrency == 7 && jsondecode(aws_sfn_state_machine.this["link"].definition).States.Plan.Resource == "arn:aws:states:::lambda:invoke"
    error_message = "Other placeholders are filled in, too."
  }

  assert {
    condition     = alltrue([for definition in values(output.definitions) : !strcontains(definition, "$${")])
    error_message = "No placeholder may be left."
  }
}

run "logs_hold_no_data" {
  module {
    source = "./modules/workflow"
  }

  assert {
    condition     = alltrue([for machine in aws_sfn_state_machine.this : !machine.logging_configuration[0].include_execution_data && machine.logging_configuration[0].level == "ERROR" && machine.tracing_configuration[0].enabled])
    error_message = "Executions are logged and traced, without their data."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : startswith(group.name, "/aws/vendedlogs/states/test-") && group.retention_in_days == 365])
    error_message = "Other names would fill up CloudWatch's resource policy."
  }
}

run "only_a_map_touches_objects" {
  module {
    source = "./modules/workflow"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = strcontains(output.policies["link"], "kms:Decrypt") && !strcontains(output.policies["purge"], "kms:") && !strcontains(output.policies["purge"], "s3:")
    error_message = "Step Functions reads manifests and writes results of Maps only."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.this : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "Only this account's state machines take the role."
  }
}
