variable "name_prefix" {
  description = "What all names begin with, and the only thing that tells two stages of one account and region apart."
  type        = string
}

variable "functions" {
  description = "The table of functions: what runs, with how much, and exactly what it may touch. layers are keys of layer_arns; concurrency is reserved; schedule is a rate or cron expression; with uses_database it may read database_secret."
  type = map(object({
    handler              = string
    description          = string
    memory_mb            = number
    timeout_seconds      = number
    ephemeral_storage_mb = optional(number, 512)
    concurrency          = optional(number)
    schedule             = optional(string)
    environment          = optional(map(string), {})
    layers               = optional(list(string), [])
    uses_database        = optional(bool, false)
    policy               = list(object({ actions = list(string), resources = list(string) }))
  }))

  validation {
    condition     = alltrue([for f in var.functions : f.memory_mb >= 128 && f.memory_mb <= 10240])
    error_message = "functions: memory_mb must be 128 to 10240."
  }
  validation {
    condition     = alltrue([for f in var.functions : f.timeout_seconds >= 1 && f.timeout_seconds <= 900])
    error_message = "functions: timeout_seconds must be 1 to 900."
  }
  validation {
    condition     = alltrue([for f in var.functions : f.ephemeral_storage_mb >= 512 && f.ephemeral_storage_mb <= 10240])
    error_message = "functions: ephemeral_storage_mb must be 512 to 10240."
  }
  validation {
    condition     = alltrue([for f in var.functions : length(f.layers) <= 5])
    error_message = "functions: Lambda takes at most five layers."
  }
  validation {
    condition = alltrue(flatten([
      for f in var.functions : [
        for s in f.policy : [
          !contains(s.resources, "*"), [for action in s.actions : !endswith(action, "*")]
        ]
      ]
    ]))
    error_message = "functions: a policy must name its actions and resources; \"*\" alone is neither."
  }
}

variable "roles" {
  description = "Roles that functions assume: by which functions, for how long, and what they may do."
  type = map(object({
    description         = string
    assumed_by          = list(string)
    max_session_seconds = optional(number, 3600)
    policy              = list(object({ actions = list(string), resources = list(string) }))
  }))
  default = {}
}

variable "package_path" {
  description = "Zip of the functions' code."
  type        = string
}

variable "layer_arns" {
  description = "ARNs of the layers' versions, by name."
  type        = map(string)
  default     = {}
}

variable "environment" {
  description = "Environment variables of all functions."
  type        = map(string)
  default     = {}
}

variable "secret_environment" {
  description = "Environment variables of all functions that must not be shown. They stand in the state."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "database_secret" {
  description = "The secret with the database's password, and the key that encrypts it (null for AWS's own); null where no function reads it."
  type        = object({ arn = string, kms_key_arn = optional(string) })
  default     = null
}

variable "prerequisite" {
  description = "A value that is known once the functions may change."
  type        = string
  default     = null
}

variable "vpc_config" {
  description = "Subnets and security groups of the functions; null for outside a VPC."
  type        = object({ subnet_ids = list(string), security_group_ids = list(string) })
  default     = null
}

variable "runtime" {
  description = "Lambda's runtime. The layers are built for it."
  type        = string
  default     = "python3.11"
}

variable "architecture" {
  description = "Processor that the layers are built for."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "publish_versions" {
  description = "Whether each change makes a version that qualified_arns name."
  type        = bool
  default     = true
}

variable "tracing_enabled" {
  description = "Whether calls are traced by X-Ray."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365
}

variable "kms_key_arn" {
  description = "Key that encrypts environments, logs and the buckets' objects; null for AWS's own."
  type        = string
  default     = null
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that packages must satisfy; null for none."
  type        = string
  default     = null
}
