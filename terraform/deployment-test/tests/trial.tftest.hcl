# What a trial is made of, with a mocked AWS: closed from outside, and nothing that outlives it.

mock_provider "aws" {
  source = "../tests/aws"
}

variables {
  name_prefix = "anonlink-t-0123abcd"
  region      = "eu-west-1"

  network = {
    vpc_id                     = "vpc-1"
    function_subnet_ids        = ["subnet-1"]
    store_subnet_ids           = ["subnet-1", "subnet-2"]
    function_security_group_id = "sg-1"
  }

  packages = {
    code   = "../tests/package.txt"
    tests  = "../tests/package.txt"
    layers = { base = "../tests/package.txt", linking = "../tests/package.txt", tests = "../tests/package.txt" }
  }
}

run "a_trial_in_aws" {
  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.this : endpoint.private_dns_enabled && endpoint.vpc_id == "vpc-1"])
    error_message = "Functions find AWS's services, and the API, by their own names."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.this)) == toset(["execute-api", "lambda", "states", "sts"])
    error_message = "The suite calls the API, which assumes a role, starts executions and calls functions."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.referenced_security_group_id == "sg-1" && aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == null
    error_message = "Endpoints let in the functions alone."
  }

  assert {
    condition     = length(local.private_vpc_endpoint_ids) == 1 && local.private_vpc_endpoint_ids[0] == aws_vpc_endpoint.this["execute-api"].id
    error_message = "The API is private, and only the trial's own endpoint gets in."
  }

  assert {
    condition     = aws_s3_bucket.results.force_destroy && jsondecode(aws_s3_bucket_policy.results[0].policy).Statement[0].Effect == "Deny"
    error_message = "Results are read by TLS only, and go with the trial."
  }

  assert {
    condition     = alltrue([for setting in values(module.target.settings) : setting == null])
    error_message = "In AWS nothing is switched off."
  }
}

run "the_suite_may_write_its_results_and_nothing_else" {
  assert {
    condition = alltrue([
      for statement in jsondecode(module.suite.policies["test_module"]).Statement :
      statement.Action == ["s3:PutObject"] && statement.Resource == ["arn:aws:s3:::anonlink-t-0123abcd-results-123456789012-eu-west-1/results/*"]
      if anytrue([for action in flatten([statement.Action]) : startswith(action, "s3:")])
    ])
    error_message = "A module's results are all that it may write."
  }

  assert {
    condition     = !anytrue([for policy in values(module.suite.policies) : can(regex("sts:|states:|iam:|lambda:Invoke|s3:Delete", policy))])
    error_message = "The suite uses the service by its API, as anybody does."
  }

  assert {
    condition     = jsondecode(module.suite_workflow.definitions["tests"]).States.RunModules.MaxConcurrency == 2
    error_message = "A new account has ten functions at a time: for the tests, and for what they call."
  }
}

run "a_trial_on_the_emulator" {
  variables {
    emulator = {
      endpoint_url      = "http://127.0.0.1:4566"
      database          = { host = "127.0.0.1", port = 5432, name = "anonlink_t_0123abcd", user = "anonlink" }
      database_password = "theDatabases"
      cache             = { host = "127.0.0.1", port = 6379 }
      cache_password    = "theCaches"
    }
  }

  assert {
    condition     = length(local.private_vpc_endpoint_ids) == 0 && startswith(local.api_url, "http://127.0.0.1:4566/restapis/")
    error_message = "Emulated functions come from no VPC."
  }

  assert {
    condition     = alltrue([for setting in values(module.target.settings) : setting != null])
    error_message = "What the emulator lacks is switched off."
  }
}

run "another_name_is_refused" {
  command = plan

  variables {
    name_prefix = "anonlink"
  }

  expect_failures = [var.name_prefix]
}

run "the_network_costs_nothing" {
  module {
    source = "./network"
  }

  variables {
    name_prefix = "anonlink-trials"
  }

  assert {
    condition     = length(output.network.function_subnet_ids) >= 1 && length(output.network.store_subnet_ids) >= 2
    error_message = "RDS wants subnets in two zones."
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0
    error_message = "The account's role may be another stack's."
  }
}
