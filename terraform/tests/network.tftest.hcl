# Nothing leads in, and out only to what the functions use.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix = "test"
}

run "there_is_no_way_to_the_internet" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_internet_gateway.this) + length(aws_nat_gateway.this) + length(aws_subnet.public) + length(aws_route.private_nat) == 0
    error_message = "By default there is no gateway."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.map_public_ip_on_launch == false])
    error_message = "Nobody in a private subnet has a public address."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.functions_s3.cidr_ipv4 == null && aws_vpc_security_group_egress_rule.functions_endpoints.cidr_ipv4 == null && length(aws_vpc_security_group_egress_rule.functions_additional) == 0
    error_message = "Functions connect to S3 and the endpoints, not to addresses."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.cidr_ipv4 == null && aws_vpc_security_group_ingress_rule.endpoints.from_port == 443 && aws_vpc_security_group_ingress_rule.endpoints.to_port == 443
    error_message = "Endpoints let in the functions alone."
  }
}

run "functions_reach_what_they_call" {
  module {
    source = "./modules/network"
  }

  variables {
    function_zone_count = 2
  }

  assert {
    condition     = toset(values(aws_vpc_endpoint.interface)[*].service_name) == toset([for service in ["sts", "states", "lambda"] : "com.amazonaws.eu-west-1.${service}"])
    error_message = "The API assumes a role, starts executions and calls functions."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && length(endpoint.subnet_ids) == length(output.function_subnet_ids)])
    error_message = "Clients find the endpoints by AWS's own names, in the functions' zones."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-west-1.s3"
    error_message = "S3 costs nothing by a gateway endpoint."
  }

  assert {
    condition     = length(aws_subnet.private) == 2 && length(distinct(aws_subnet.private[*].cidr_block)) == 2 && length(distinct(aws_subnet.private[*].availability_zone)) == 2
    error_message = "Each zone has a subnet of its own."
  }
}

run "the_internet_is_an_option" {
  module {
    source = "./modules/network"
  }

  variables {
    nat_gateway_enabled = true
    additional_egress   = { minio = { port = 9000, cidr_block = "198.51.100.7/32" } }
  }

  assert {
    condition     = aws_route.private_nat[0].destination_cidr_block == "0.0.0.0/0" && length(aws_nat_gateway.this) == 1
    error_message = "Private subnets go out by the NAT gateway."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.functions_additional["minio"].from_port == 9000 && aws_vpc_security_group_egress_rule.functions_additional["minio"].cidr_ipv4 == "198.51.100.7/32"
    error_message = "Functions connect where they are told to."
  }

  assert {
    condition     = !contains(aws_subnet.private[*].cidr_block, aws_subnet.public[0].cidr_block)
    error_message = "The public subnet has addresses of its own."
  }
}

run "nonsense_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr_block              = "10.42.0.0/28"
    availability_zones      = ["eu-west-1a"]
    availability_zone_count = 1
    additional_egress       = { minio = { port = 0, cidr_block = "minio.example" } }
  }

  expect_failures = [var.cidr_block, var.availability_zones, var.availability_zone_count, var.additional_egress]
}
