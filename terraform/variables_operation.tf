variable "create_kms_key" {
  description = "Whether a key is made that encrypts everything stored (a dollar a month, and requests). false: kms_key_arn's, or AWS's own keys."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = !(var.create_kms_key && var.kms_key_arn != null)
    error_message = "With a kms_key_arn, create_kms_key must be false."
  }
}

variable "kms_key_arn" {
  description = "An existing key of this region; its policy must let CloudWatch Logs use it for the account's log groups."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether terraform destroy leaves the data: the database and non-empty buckets can't be destroyed, secrets and the key can be restored for 30 days. false also makes changes of the stores at once. For test stages."
  type        = bool
  default     = true
}

variable "publish_versions" {
  description = "Whether each change of a function makes a version, so that executions under way end with the code they began with."
  type        = bool
  default     = true
}

variable "api_throttle" {
  description = "Requests a second, and at once, that the API lets through; null for the size's."
  type        = object({ rate = optional(number), burst = optional(number) })
  default     = {}

  validation {
    condition     = try(var.api_throttle.rate > 0 && var.api_throttle.rate <= 10000, var.api_throttle.rate == null)
    error_message = "api_throttle.rate must be 1 to 10000, a region's default quota."
  }
  validation {
    condition     = try(var.api_throttle.burst > 0 && var.api_throttle.burst <= 5000, var.api_throttle.burst == null)
    error_message = "api_throttle.burst must be 1 to 5000, a region's default quota."
  }
}

variable "domain" {
  description = "Domain of the API: its name, an ACM certificate of this region, and the Route 53 zone that gets the record (null: you make it). null for API Gateway's own address."
  type        = object({ name = string, certificate_arn = string, hosted_zone_id = optional(string) })
  default     = null
}

variable "private_vpc_endpoint_ids" {
  description = "execute-api interface endpoints from which alone the API can be reached; empty for a public API."
  type        = list(string)
  default     = []
}

variable "waf_enabled" {
  description = "Whether AWS WAF stands before the API (about 8 USD a month)."
  type        = bool
  default     = false
}

variable "manage_api_gateway_account" {
  description = "Whether this stack sets the role by which API Gateway writes logs in this account and region: true for one stack, and false for all others."
  type        = bool
  default     = true
}

variable "rest_api_tags" {
  description = "Tags of the REST API alone: emulators take its id from one."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "state_machine_log_level" {
  description = "Which events of executions are logged: ALL, ERROR, FATAL or OFF. ALL of a run with thousands of chunks is a lot."
  type        = string
  default     = "ERROR"

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.state_machine_log_level)
    error_message = "state_machine_log_level must be ALL, ERROR, FATAL or OFF."
  }
}

variable "log_level" {
  description = "Which lines the functions log."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept; null for the size's."
  type        = number
  default     = null

  validation {
    condition     = try(contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days), var.log_retention_days == null)
    error_message = "log_retention_days must be one that CloudWatch knows, such as 30, 90 or 365."
  }
}

variable "tracing_enabled" {
  description = "Whether requests, executions and calls are traced by X-Ray."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told of alarms."
  type        = list(string)
  default     = []
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that the package must satisfy; null for none."
  type        = string
  default     = null
}
