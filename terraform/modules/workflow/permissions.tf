# What a state machine's role may do: call its functions; with a Distributed Map also start and watch
# the children, read manifests and write the Map's results; log and trace.

locals {
  functions_prefix = "arn:${local.partition}:lambda:${data.aws_region.current.name}:${local.account}:function:${var.name_prefix}-"

  statements_for_maps = {
    for name, labels in local.map_labels : name => [for statement in concat(
      [
        {
          Sid      = "StartChildren"
          Effect   = "Allow"
          Action   = ["states:StartExecution"]
          Resource = ["${local.states}:stateMachine:${var.name_prefix}-${name}"]
        },
        {
          # Children are executions of name/label.
          Sid    = "WatchChildren"
          Effect = "Allow"
          Action = ["states:DescribeExecution", "states:StopExecution"]
          Resource = concat(
            ["${local.states}:execution:${var.name_prefix}-${name}:*"],
            [for label in labels : "${local.states}:execution:${var.name_prefix}-${name}/${label}:*"],
          )
        },
        {
          Sid      = "RedriveChildren"
          Effect   = "Allow"
          Action   = ["states:RedriveExecution"]
          Resource = [for label in labels : "${local.states}:execution:${var.name_prefix}-${name}/${label}:*"]
        },
        {
          Sid      = "ReadManifests"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${var.manifest_bucket_arn}/${var.manifest_keys}"]
        },
        {
          Sid      = "WriteMapResults"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
          Resource = ["${var.manifest_bucket_arn}/${var.map_results_keys}"]
        },
      ],
      [for key in compact([var.kms_key_arn]) : {
        Sid       = "EncryptedObjects"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = [key]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.name}.amazonaws.com" } }
      }],
    ) : statement if length(labels) > 0]
  }

  policies = {
    for name, machine in var.state_machines : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [{
          # Versions, too: an execution that is under way calls older ones.
          Sid    = "CallFunctions"
          Effect = "Allow"
          Action = ["lambda:InvokeFunction"]
          Resource = flatten([
            for function in machine.functions : ["${local.functions_prefix}${function}", "${local.functions_prefix}${function}:*"]
          ])
        }],
        local.statements_for_maps[name],
        [{
          # Log delivery knows no resources.
          Sid    = "Logs"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
          ]
          Resource = ["*"]
        }],
        !var.tracing_enabled ? [] : [{
          # Nor does X-Ray.
          Sid    = "Traces"
          Effect = "Allow"
          Action = [
            "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
          ]
          Resource = ["*"]
        }],
      )
    })
  }
}
