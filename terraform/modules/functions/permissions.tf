# What the table says, and what Lambda itself needs of a function's role: a statement each, with its
# reason. "*" stands only where AWS knows nothing narrower.

locals {
  statements_of_the_table = {
    for name, function in var.functions : name => [
      for statement in function.policy : {
        Effect = "Allow", Action = statement.actions, Resource = statement.resources
      }
    ]
  }

  statements_for_vpc = {
    for name, arn in local.function_arns : name => [for statement in [
      {
        # Lambda makes and removes the function's network interfaces in its name.
        Sid    = "NetworkInterfaces"
        Effect = "Allow"
        Action = [
          "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = ["*"]
      },
      {
        # The function's own code must not: the key is set on its calls, and not on Lambda's.
        Sid    = "NoNetworkInterfacesForCode"
        Effect = "Deny"
        Action = [
          "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
        ]
        Resource  = ["*"]
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = [arn] } }
      },
    ] : statement if var.vpc_config != null]
  }

  statements_for_tracing = !var.tracing_enabled ? [] : [{
    # X-Ray knows no resources.
    Sid      = "Traces"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = ["*"]
  }]

  # For a role that reads or writes objects, S3 uses the key in its name.
  statements_for_encrypted_objects = [for key in compact([var.kms_key_arn]) : {
    Sid       = "EncryptedObjects"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = [key]
    Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
  }]

  statements_for_encrypted_environment = {
    for name, arn in local.function_arns : name => [for key in compact([var.kms_key_arn]) : {
      # Lambda grants it too, but to the role as it was when the function was made.
      Sid       = "EncryptedEnvironment"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [key]
      Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = arn } }
    }]
  }

  statements_for_database_secret = concat(
    [for secret in var.database_secret[*] : {
      Sid      = "DatabaseSecret"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [secret.arn]
    }],
    [for secret in var.database_secret[*] : {
      Sid       = "EncryptedDatabaseSecret"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [secret.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
    } if secret.kms_key_arn != null],
  )

  statements_for_failures = {
    for name, function in var.functions : name => function.schedule == null ? [] : [{
      Sid      = "FailedCalls"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [local.failures_arn]
    }]
  }

  uses_objects = {
    for name, function in var.functions :
    name => length([for action in flatten(function.policy[*].actions) : action if startswith(action, "s3:")]) > 0
  }

  function_policies = {
    for name, arn in local.function_arns : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        local.statements_of_the_table[name],
        [{
          Sid      = "Logs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name_prefix}-${name}:*"]
        }],
        local.statements_for_vpc[name],
        local.statements_for_tracing,
        local.uses_objects[name] ? local.statements_for_encrypted_objects : [],
        local.statements_for_encrypted_environment[name],
        [for statement in local.statements_for_database_secret : statement if var.functions[name].uses_database],
        local.statements_for_failures[name],
      )
    })
  }

  role_policies = {
    for name, role in var.roles : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [for statement in role.policy : { Effect = "Allow", Action = statement.actions, Resource = statement.resources }],
        local.statements_for_encrypted_objects,
      )
    })
  }
}
