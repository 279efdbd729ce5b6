# Who may do what: exactly the table's, and what the platform needs, each by its name.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix  = "test"
  package_path = "./tests/package.txt"
  layer_paths  = { base = "./tests/package.txt", linking = "./tests/package.txt" }
}

run "table" {
  module {
    source = "./tests/table"
  }
}

run "functions" {
  assert {
    condition = alltrue([
      for name, statements in run.table.statements :
      jsonencode([for s in jsondecode(output.permissions[name]).Statement : s if !can(s.Sid)]) == jsonencode(statements)
    ])
    error_message = "Permissions without a Sid must be the table's, neither more nor fewer."
  }

  assert {
    condition     = toset(keys(output.permissions)) == toset(concat(keys(run.table.statements), [for name in keys(run.table.table.state_machines) : "${name}-states"]))
    error_message = "Nobody but the table's functions, roles and state machines has permissions."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.permissions) : [
        for s in jsondecode(policy).Statement : contains(["NetworkInterfaces", "NoNetworkInterfacesForCode", "Traces", "Logs"], try(s.Sid, ""))
        if contains(flatten([s.Resource]), "*")
      ]
    ]))
    error_message = "Only network interfaces, traces and log delivery may be for everything."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.permissions) : [
        for s in jsondecode(policy).Statement : [for action in flatten([s.Action]) : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Actions must be spelled out."
  }

  assert {
    condition = alltrue([
      for name, policy in output.permissions :
      [for s in jsondecode(policy).Statement : s.Resource if try(s.Sid, "") == "Logs"][0] == ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/test-${name}:*"]
      if contains(keys(run.table.table.functions), name)
    ])
    error_message = "A function writes to its own log group alone."
  }

  assert {
    condition = alltrue([
      for name, policy in output.permissions :
      [for s in jsondecode(policy).Statement : s.Condition.ArnEquals["lambda:SourceFunctionArn"] if try(s.Sid, "") == "NoNetworkInterfacesForCode"][0] == ["arn:aws:lambda:eu-west-1:123456789012:function:test-${name}"]
      if contains(keys(run.table.table.functions), name)
    ])
    error_message = "A function's own code can't touch network interfaces."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.permissions) : [
        for s in jsondecode(policy).Statement : [s.Resource == [aws_kms_key.this[0].arn], can(s.Condition)]
        if anytrue([for action in s.Action : startswith(action, "kms:")])
      ]
    ]))
    error_message = "The key is used on behalf of S3, or for the function's own environment, and no other key is."
  }

  assert {
    condition     = !strcontains(output.permissions["migrate"], "s3:") && !strcontains(output.permissions["migrate"], "s3.")
    error_message = "A function without objects can't use the key for objects."
  }
}

run "state_machines" {
  assert {
    condition = alltrue([
      for name, functions in run.table.table.state_machines :
      toset(jsondecode(output.permissions["${name}-states"]).Statement[0].Resource) == toset(flatten([
        for function in functions : [
          "arn:aws:lambda:eu-west-1:123456789012:function:test-${function}",
          "arn:aws:lambda:eu-west-1:123456789012:function:test-${function}:*",
        ]
      ]))
    ])
    error_message = "A state machine calls its own functions, in any version, and no others."
  }

  # What AWS documents for a Distributed Map, as the emulator doesn't ask for it.
  assert {
    condition = {
      for s in jsondecode(output.permissions["link-states"]).Statement : try(s.Sid, "") => { action = s.Action, resource = s.Resource }
      if contains(["StartChildren", "WatchChildren", "RedriveChildren", "ReadManifests", "WriteMapResults"], try(s.Sid, ""))
      } == {
      StartChildren = {
        action   = ["states:StartExecution"]
        resource = ["arn:aws:states:eu-west-1:123456789012:stateMachine:test-link"]
      }
      WatchChildren = {
        action = ["states:DescribeExecution", "states:StopExecution"]
        resource = [
          "arn:aws:states:eu-west-1:123456789012:execution:test-link:*",
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/Compare:*",
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/MergeParts:*",
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/EncryptMask:*",
        ]
      }
      RedriveChildren = {
        action = ["states:RedriveExecution"]
        resource = [
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/Compare:*",
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/MergeParts:*",
          "arn:aws:states:eu-west-1:123456789012:execution:test-link/EncryptMask:*",
        ]
      }
      ReadManifests = {
        action   = ["s3:GetObject"]
        resource = ["arn:aws:s3:::test-data-123456789012-eu-west-1/projects/*/runs/*/manifest.jsonl"]
      }
      WriteMapResults = {
        action   = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
        resource = ["arn:aws:s3:::test-data-123456789012-eu-west-1/projects/*/runs/*/map/*"]
      }
    }
    error_message = "The Distributed Maps' permissions differ from what AWS documents."
  }

  assert {
    condition     = alltrue([for name in ["ingest-states", "purge-states"] : !strcontains(output.permissions[name], "s3:") && !strcontains(output.permissions[name], "states:")])
    error_message = "A state machine without a Distributed Map touches no objects and no executions."
  }
}

run "without_a_key" {
  variables {
    create_kms_key = false
  }

  assert {
    condition     = !strcontains(jsonencode(output.permissions), "kms:")
    error_message = "Without a key nobody may use one."
  }
}

run "an_endpoint_lets_through_what_the_service_does" {
  assert {
    condition     = local.endpoint_statements.sts[0].Resource == ["arn:aws:iam::123456789012:role/test-signer"]
    error_message = "Nothing but the signer role can be assumed from the network."
  }

  assert {
    condition = alltrue(flatten([
      for statements in values(local.endpoint_statements) : [
        for s in statements : [!contains(s.Resource, "*"), s.Condition.StringEquals["aws:PrincipalAccount"] == "123456789012"]
      ]
    ]))
    error_message = "Endpoints serve this account and this service's resources."
  }

  assert {
    condition     = length(local.s3_endpoint_statements) == 1 && alltrue([for arn in local.s3_endpoint_statements[0].Resource : startswith(arn, "arn:aws:s3:::test-")])
    error_message = "Data can't leave for other buckets."
  }
}

run "a_wildcard_in_the_table_is_refused" {
  command = plan

  module {
    source = "./modules/functions"
  }

  variables {
    functions = {
      greedy = {
        handler = "module.handler", description = "Wants it all.", memory_mb = 128, timeout_seconds = 1
        policy  = [{ actions = ["s3:*"], resources = ["arn:aws:s3:::test/*"] }]
      }
    }
  }

  expect_failures = [var.functions]
}
