# The functions' network: ours, somebody's, or none where all stores are elsewhere.

locals {
  makes_network = var.create_network && var.existing_network == null

  network = local.makes_network ? {
    vpc_id                     = module.network[0].vpc_id
    function_subnet_ids        = module.network[0].function_subnet_ids
    store_subnet_ids           = module.network[0].private_subnet_ids
    function_security_group_id = module.network[0].function_security_group_id
  } : var.existing_network

  vpc_config = local.makes_network || var.existing_network != null ? {
    subnet_ids         = local.network.function_subnet_ids
    security_group_ids = [local.network.function_security_group_id]
  } : null

  own_account = { StringEquals = { "aws:PrincipalAccount" = local.account } }

  # Endpoints let through what the service does, and nothing that a stolen credential could add.
  endpoint_statements = {
    sts = [{
      Effect   = "Allow", Principal = "*", Action = ["sts:AssumeRole"]
      Resource = [local.signer_role_arn], Condition = local.own_account
    }]
    states = [{
      Effect = "Allow", Principal = "*", Condition = local.own_account
      Action = ["states:StartExecution", "states:DescribeExecution", "states:StopExecution"]
      Resource = [
        "arn:${local.partition}:states:${local.in_region}:stateMachine:${var.name_prefix}-*",
        "arn:${local.partition}:states:${local.in_region}:execution:${var.name_prefix}-*",
      ]
    }]
    lambda = [{
      Effect   = "Allow", Principal = "*", Action = ["lambda:InvokeFunction"], Condition = local.own_account
      Resource = ["arn:${local.partition}:lambda:${local.in_region}:function:${var.name_prefix}-*"]
    }]
  }
  # Which of RDS's secrets is known only afterwards: the functions' own permissions name it.
  secret_statements = {
    for service in ["secretsmanager"] : service => [{
      Effect   = "Allow", Principal = "*", Action = ["secretsmanager:GetSecretValue"], Condition = local.own_account
      Resource = [local.makes_database ? "arn:${local.partition}:secretsmanager:${local.in_region}:secret:rds!db-*" : var.external_database.secret_arn]
    }] if var.secrets_at_run_time
  }
  endpoint_policies = {
    for service, statements in merge(local.endpoint_statements, local.secret_statements) :
    service => jsonencode({ Version = "2012-10-17", Statement = statements })
    if service != "sts" || local.is_in_s3 # a store of one's own has an STS of its own
  }
  s3_endpoint_statements = concat(
    [{
      Effect = "Allow", Principal = "*", Action = ["s3:*"], Condition = local.own_account
      Resource = flatten([
        for bucket in local.s3_buckets :
        ["arn:${local.partition}:s3:::${bucket}", "arn:${local.partition}:s3:::${bucket}/*"]
      ])
    }],
    # Data providers' own buckets are read with the credentials that they give.
    [for arn in var.data_provider_bucket_arns : {
      Effect = "Allow", Principal = "*", Action = ["s3:GetObject", "s3:GetBucketLocation"], Resource = [arn, "${arn}/*"]
    }],
  )
}

module "network" {
  source = "./modules/network"
  count  = local.makes_network ? 1 : 0

  name_prefix         = var.name_prefix
  cidr_block          = var.vpc_cidr_block
  availability_zones  = var.availability_zones
  function_zone_count = local.function_zone_count
  interface_endpoints = { for service, policy in local.endpoint_policies : service => { policy = policy } }
  s3_endpoint_policy  = jsonencode({ Version = "2012-10-17", Statement = local.s3_endpoint_statements })
  nat_gateway_enabled = var.nat_gateway_enabled
  additional_egress   = var.additional_egress
  flow_logs_enabled   = local.flow_logs_enabled
  log_retention_days  = local.log_retention_days
  kms_key_arn         = local.kms_key_arn
}
