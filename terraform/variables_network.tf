variable "create_network" {
  description = "Whether a VPC is made. false with existing_network null puts the functions outside a VPC, where external stores must have public addresses."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.create_network || var.existing_network != null || (var.external_database != null && var.external_cache != null)
    error_message = "Without a network there must be an external_database and an external_cache."
  }
}

variable "existing_network" {
  description = "A VPC that outlives this stack: subnets of the functions (with an S3 gateway endpoint and interface endpoints for sts, states, lambda and, with secrets_at_run_time, secretsmanager, or NAT), subnets of the stores in two zones, and the functions' security group, which must let them out to all of these. null to make one."
  type = object({
    vpc_id                     = string
    function_subnet_ids        = list(string)
    store_subnet_ids           = list(string)
    function_security_group_id = string
  })
  default = null
}

variable "vpc_cidr_block" {
  description = "Addresses of the VPC."
  type        = string
  default     = "10.42.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr_block, 4, 15)) && can(regex("/(1[6-9]|2[0-4])$", var.vpc_cidr_block))
    error_message = "vpc_cidr_block must be an IPv4 range from /16 to /24, such as 10.42.0.0/16."
  }
}

variable "availability_zones" {
  description = "Names of at least two zones; empty for the region's first two. Subnets that are there stay where they are."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.availability_zones) != 1 && length(var.availability_zones) <= 6
    error_message = "availability_zones must be empty or name two to six: RDS wants subnets in two."
  }
}

variable "function_zone_count" {
  description = "In how many of the zones functions and interface endpoints are; null for the size's. Each costs about 22 USD a month."
  type        = number
  default     = null

  validation {
    condition     = try(var.function_zone_count >= 1 && var.function_zone_count <= max(2, length(var.availability_zones)), var.function_zone_count == null)
    error_message = "function_zone_count must be at least 1 and at most the number of zones."
  }
}

variable "nat_gateway_enabled" {
  description = "Whether functions reach the internet, as data providers' own object stores outside the region need (about 33 USD a month). additional_egress says which."
  type        = bool
  default     = false
}

variable "additional_egress" {
  description = "Where else functions may connect to by TCP, by a word for it: external stores, data providers' object stores."
  type        = map(object({ port = number, cidr_block = string }))
  default     = {}
}

variable "data_provider_bucket_arns" {
  description = "ARNs of data providers' own buckets in this region that may be read through the S3 endpoint, with the credentials they give."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.data_provider_bucket_arns : can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]+$", arn))])
    error_message = "data_provider_bucket_arns must be ARNs of buckets, such as arn:aws:s3:::name."
  }
}

variable "flow_logs_enabled" {
  description = "Whether the VPC's connections are logged; null for the size's."
  type        = bool
  default     = null
}
