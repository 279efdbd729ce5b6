# functions.yaml as these tests expect it filled in, apart from how the root module does it.

terraform {
  required_version = ">= 1.11"
}

locals {
  arns = {
    DataBucketArn         = "arn:aws:s3:::test-data-123456789012-eu-west-1"
    UploadBucketArn       = "arn:aws:s3:::test-uploads-123456789012-eu-west-1"
    ManifestBucketArn     = "arn:aws:s3:::test-data-123456789012-eu-west-1"
    SignerRoleArn         = "arn:aws:iam::123456789012:role/test-signer"
    FunctionArnPrefix     = "arn:aws:lambda:eu-west-1:123456789012:function:test-"
    StateMachineArnPrefix = "arn:aws:states:eu-west-1:123456789012:stateMachine:test-"
    ExecutionArnPrefix    = "arn:aws:states:eu-west-1:123456789012:execution:test-"
  }
  text  = file("${path.module}/../../../functions.yaml")
  names = distinct(flatten(regexall("\\$\\{(\\w+)\\}", local.text)))
  table = yamldecode(templatefile("${path.module}/../../../functions.yaml", merge(
    { for name in local.names : name => name == "CompareMemoryMb" ? 3008 : "other" }, local.arns
  )))
}

output "statements" {
  description = "The statements of each function and role, in IAM's spelling."
  value = {
    for name, owner in merge(local.table.functions, local.table.roles) : name => [
      for statement in owner.policy : { Effect = "Allow", Action = statement.actions, Resource = statement.resources }
    ]
  }
}

output "table" {
  description = "The table."
  value       = local.table
}
