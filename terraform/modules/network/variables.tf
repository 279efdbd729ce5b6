variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

variable "cidr_block" {
  description = "Addresses of the VPC; a sixteenth of them a subnet."
  type        = string
  default     = "10.42.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.cidr_block, 4, 15)) && can(regex("/(1[6-9]|2[0-4])$", var.cidr_block))
    error_message = "cidr_block must be an IPv4 range from /16 to /24, such as 10.42.0.0/16."
  }
}

variable "availability_zones" {
  description = "Names of the zones; empty for the region's first ones. Subnets that are there stay where they are."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.availability_zones) != 1 && length(var.availability_zones) <= 6
    error_message = "availability_zones must be empty or name two to six: RDS wants subnets in two."
  }
}

variable "availability_zone_count" {
  description = "In how many zones there are subnets, where availability_zones names none. RDS wants two."
  type        = number
  default     = 2

  validation {
    condition     = var.availability_zone_count >= 2 && var.availability_zone_count <= 6
    error_message = "availability_zone_count must be 2 to 6."
  }
}

variable "function_zone_count" {
  description = "In how many of the zones the functions and the interface endpoints are. One is cheap, two survive the loss of a zone."
  type        = number
  default     = 1

  validation {
    condition     = var.function_zone_count >= 1 && var.function_zone_count <= 6
    error_message = "function_zone_count must be 1 to 6."
  }
}

variable "interface_endpoints" {
  description = "Services that are reached by an interface endpoint, each with its endpoint policy as JSON (null allows all)."
  type        = map(object({ policy = optional(string) }))
  default     = { sts = {}, states = {}, lambda = {} }
}

variable "s3_endpoint_policy" {
  description = "Policy of the gateway endpoint for S3 as JSON; null allows all."
  type        = string
  default     = null
}

variable "additional_egress" {
  description = "Where else the functions may connect to by TCP, by a word for it. The internet also takes nat_gateway_enabled."
  type        = map(object({ port = number, cidr_block = string }))
  default     = {}

  validation {
    condition     = alltrue([for rule in var.additional_egress : rule.port > 0 && rule.port < 65536 && can(cidrhost(rule.cidr_block, 0))])
    error_message = "additional_egress must have ports from 1 to 65535 and IPv4 ranges."
  }
}

variable "nat_gateway_enabled" {
  description = "Whether the functions reach the internet, by a NAT gateway in one zone (about 33 USD a month)."
  type        = bool
  default     = false
}

variable "flow_logs_enabled" {
  description = "Whether connections are logged."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365
}

variable "kms_key_arn" {
  description = "Key that encrypts logs; null for CloudWatch's own."
  type        = string
  default     = null
}
