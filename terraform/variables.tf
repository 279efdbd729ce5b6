# The service itself. What stands beside it: variables_network.tf, variables_data.tf, variables_stores.tf,
# variables_operation.tf.

variable "name_prefix" {
  description = "What all names begin with. Names of roles are the account's, so it differs between regions, too."
  type        = string
  default     = "anonlink"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 3 to 20 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "size" {
  description = "small fits a new account and is for trying out; production survives the loss of a zone. Every value of a size can be set by itself."
  type        = string
  default     = "small"

  validation {
    condition     = contains(["small", "production"], var.size)
    error_message = "size must be small or production."
  }
}

variable "package_path" {
  description = "Zip of the functions' code; null for build/deployment.zip, as make package leaves it."
  type        = string
  default     = null
}

variable "layer_paths" {
  description = "Zips of the layers by the names that functions.yaml uses; null for build/layer-base.zip and build/layer-linking.zip."
  type        = map(string)
  default     = null
}

variable "runtime" {
  description = "Lambda's runtime. The layers are built for it."
  type        = string
  default     = "python3.11"

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.runtime))
    error_message = "runtime must be one of Lambda's for Python, such as python3.11."
  }
}

variable "architecture" {
  description = "Processor that the layers are built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "compare" {
  description = "Memory of a compare function (a vCPU for each 1,769 MB), and how many of one run work at a time; null for the size's. A new account gives 3,008 MB at most, and as few as ten functions at a time for everything."
  type        = object({ memory_mb = optional(number), concurrency = optional(number) })
  default     = {}

  validation {
    condition     = try(var.compare.memory_mb >= 1769 && var.compare.memory_mb <= 10240, var.compare.memory_mb == null)
    error_message = "compare.memory_mb must be 1769 to 10240."
  }
  validation {
    condition     = try(var.compare.concurrency >= 1 && var.compare.concurrency <= 10000, var.compare.concurrency == null)
    error_message = "compare.concurrency must be 1 to 10000, what a Distributed Map takes."
  }
}

variable "function_overrides" {
  description = "Other values than functions.yaml's, by function. concurrency is reserved: of the account's, 100 must stay unreserved."
  type = map(object({
    memory_mb            = optional(number)
    timeout_seconds      = optional(number)
    ephemeral_storage_mb = optional(number)
    concurrency          = optional(number)
  }))
  default = {}

  validation {
    condition     = !contains(keys(var.function_overrides), "compare") || try(var.function_overrides["compare"].memory_mb, null) == null
    error_message = "Set compare.memory_mb instead: chunks are cut for it."
  }
}

variable "environment" {
  description = "Further environment variables of all functions, or other values of functions.yaml's: docs/configuration.md lists them."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "comparisons_per_second" {
  description = "Comparisons that one vCPU does in a second, of 1,024-bit encodings at threshold 0.8. It sizes chunks."
  type        = number
  default     = 500000000

  validation {
    condition     = var.comparisons_per_second >= 1000000 && floor(var.comparisons_per_second) == var.comparisons_per_second
    error_message = "comparisons_per_second must be a whole number from 1000000."
  }
}

variable "encryptions_per_second" {
  description = "Bits of a mask that one vCPU encrypts in a second, with a key of 2,048 bits. It sizes slices."
  type        = number
  default     = 100

  validation {
    condition     = var.encryptions_per_second > 0
    error_message = "encryptions_per_second must be more than 0."
  }
}

variable "chunk_min_seconds" {
  description = "No chunk is planned shorter: below, starting a worker and its state transitions cost more than its work."
  type        = number
  default     = 10

  validation {
    condition     = var.chunk_min_seconds > 0 && var.chunk_min_seconds <= 120
    error_message = "chunk_min_seconds must be more than 0 and at most 120."
  }
}

variable "small_run_max_seconds" {
  description = "A run of at most so much work is done whole in one invocation."
  type        = number
  default     = 2

  validation {
    condition     = var.small_run_max_seconds >= 0 && var.small_run_max_seconds <= 600
    error_message = "small_run_max_seconds must be 0 to 600."
  }
}

variable "offer_upload_credentials" {
  description = "Whether clients get temporary credentials for uploads. null: only in us-east-1, the region that the Anonlink client signs for."
  type        = bool
  default     = null
}

variable "upload_credentials_seconds" {
  description = "For how long they are valid. A role that assumes another gets an hour at most."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.upload_credentials_seconds >= 900 && var.upload_credentials_seconds <= 43200
    error_message = "upload_credentials_seconds must be 900 to 43200 (to 3600 in AWS)."
  }
}

variable "allow_private_object_stores" {
  description = "Whether encodings may be fetched from foreign object stores at private addresses."
  type        = bool
  default     = false
  nullable    = false
}
