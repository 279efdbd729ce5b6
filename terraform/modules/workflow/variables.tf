variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

variable "state_machines" {
  description = "By name: the path of the definition's template, and the functions it calls."
  type        = map(object({ template = string, functions = list(string) }))
}

variable "function_arns" {
  description = "What the definitions call, by the function's name; versions, so that an execution ends with the code it began with."
  type        = map(string)
}

variable "placeholders" {
  description = "Values of the templates' placeholders, besides the partition and the functions' ARNs."
  type        = map(string)
  default     = {}
}

variable "manifest_bucket_arn" {
  description = "Bucket with the manifests of Distributed Maps, which gets their results, too."
  type        = string
}

variable "manifest_keys" {
  description = "Pattern of the manifests' keys."
  type        = string
  default     = "projects/*/runs/*/manifest.jsonl"
}

variable "map_results_keys" {
  description = "Pattern of the keys that Distributed Maps write their results to."
  type        = string
  default     = "projects/*/runs/*/map/*"
}

variable "log_level" {
  description = "Which events of executions are logged: ALL, ERROR, FATAL or OFF."
  type        = string
  default     = "ERROR"

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.log_level)
    error_message = "log_level must be ALL, ERROR, FATAL or OFF."
  }
}

variable "tracing_enabled" {
  description = "Whether executions are traced by X-Ray."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365
}

variable "kms_key_arn" {
  description = "Key that encrypts logs and the bucket's objects; null for AWS's own."
  type        = string
  default     = null
}
