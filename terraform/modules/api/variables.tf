variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

variable "function_name" {
  description = "Name of the function that answers."
  type        = string
}

variable "function_arn" {
  description = "ARN of the function that answers."
  type        = string
}

variable "stage_name" {
  description = "First part of the path in the API's own address."
  type        = string
  default     = "api"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must be letters, digits, hyphens and underscores."
  }
}

variable "throttle_rate" {
  description = "Requests a second that are let through; the rest are answered 503."
  type        = number
  default     = 20

  validation {
    condition     = var.throttle_rate > 0 && var.throttle_rate <= 10000
    error_message = "throttle_rate must be 1 to 10000, a region's default quota."
  }
}

variable "throttle_burst" {
  description = "Requests that may come at once."
  type        = number
  default     = 40

  validation {
    condition     = var.throttle_burst > 0 && var.throttle_burst <= 5000
    error_message = "throttle_burst must be 1 to 5000, a region's default quota."
  }
}

variable "domain" {
  description = "Domain of one's own: its name, an ACM certificate of the same region, and the Route 53 zone that gets the record (null: you make it). null for none."
  type        = object({ name = string, certificate_arn = string, hosted_zone_id = optional(string) })
  default     = null
}

variable "private_vpc_endpoint_ids" {
  description = "execute-api interface endpoints from which alone the API can be reached; empty for a public API."
  type        = list(string)
  default     = []
}

variable "waf_enabled" {
  description = "Whether AWS WAF stands before the API (about 8 USD a month and 0.60 a million requests)."
  type        = bool
  default     = false
}

variable "waf_requests_per_five_minutes" {
  description = "Requests of one address in five minutes above which WAF blocks it."
  type        = number
  default     = 10000

  validation {
    condition     = var.waf_requests_per_five_minutes >= 10
    error_message = "waf_requests_per_five_minutes must be at least 10."
  }
}

variable "manage_account" {
  description = "Whether this stack sets the role by which API Gateway writes logs: true for one stack of an account and region, and false for others."
  type        = bool
  default     = true
}

variable "rest_api_tags" {
  description = "Tags of the REST API alone: emulators take its id from one."
  type        = map(string)
  default     = {}
}

variable "execution_log_level" {
  description = "What API Gateway logs of requests, besides the access log: OFF, ERROR or INFO."
  type        = string
  default     = "ERROR"

  validation {
    condition     = contains(["OFF", "ERROR", "INFO"], var.execution_log_level)
    error_message = "execution_log_level must be OFF, ERROR or INFO."
  }
}

variable "tracing_enabled" {
  description = "Whether requests are traced by X-Ray."
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
