variable "name_prefix" {
  description = "What all names begin with. Two of them are two networks, for two trials at a time."
  type        = string
  default     = "anonlink-trials"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 3 to 32 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "region" {
  description = "The region of the trials."
  type        = string
}

variable "is_emulated" {
  description = "Whether AWS_ENDPOINT_URL names an emulator."
  type        = bool
  default     = false
}

variable "cidr_block" {
  description = "Addresses of the VPC. Nothing else is connected to it."
  type        = string
  default     = "10.43.0.0/16"
}

variable "trial_name_prefix" {
  description = "What the names of all trials begin with: their buckets are what S3's endpoint lets through."
  type        = string
  default     = "anonlink-t-"
}

variable "manage_api_gateway_account" {
  description = "Whether the role by which API Gateway writes logs is set: where nobody has, no trial could switch its access log on."
  type        = bool
  default     = false
}
