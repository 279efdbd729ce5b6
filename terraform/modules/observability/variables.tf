variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

variable "metric_namespace" {
  description = "Namespace of the service's own metrics: its POWERTOOLS_METRICS_NAMESPACE."
  type        = string
}

variable "service_name" {
  description = "Their dimension service: its POWERTOOLS_SERVICE_NAME."
  type        = string
}

variable "function_names" {
  description = "Names of the functions in AWS, by their names in the table; api, compare and reconcile are among them."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["api", "compare", "reconcile"], keys(var.function_names))) == 0
    error_message = "function_names must have api, compare and reconcile."
  }
}

variable "state_machine_arns" {
  description = "ARNs of the state machines, by name."
  type        = map(string)
}

variable "rest_api_name" {
  description = "Name of the REST API."
  type        = string
}

variable "stage_name" {
  description = "Its stage."
  type        = string
}

variable "failures_queue_name" {
  description = "Queue of failed calls; null for none."
  type        = string
  default     = null
}

variable "database_instance_id" {
  description = "Identifier of the RDS instance; null for none."
  type        = string
  default     = null
}

variable "cache_node_ids" {
  description = "Identifiers of the cache's nodes."
  type        = list(string)
  default     = []
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when an alarm begins or ends. A topic with a key of its own must let cloudwatch.amazonaws.com use it."
  type        = list(string)
  default     = []
}

variable "api_errors_threshold" {
  description = "Answers of 5xx in five minutes from which there is an alarm."
  type        = number
  default     = 5

  validation {
    condition     = var.api_errors_threshold >= 1
    error_message = "api_errors_threshold must be at least 1."
  }
}

variable "ingest_failures_threshold" {
  description = "Refused uploads in five minutes from which there is an alarm."
  type        = number
  default     = 10

  validation {
    condition     = var.ingest_failures_threshold >= 1
    error_message = "ingest_failures_threshold must be at least 1."
  }
}

variable "link_failures_threshold" {
  description = "Runs that end in error in five minutes, for whatever reason, from which there is an alarm."
  type        = number
  default     = 10

  validation {
    condition     = var.link_failures_threshold >= 1
    error_message = "link_failures_threshold must be at least 1."
  }
}

variable "run_max_hours" {
  description = "After how many hours a run that has not ended is an alarm."
  type        = number
  default     = 6

  validation {
    condition     = var.run_max_hours > 0
    error_message = "run_max_hours must be more than 0."
  }
}

variable "upload_max_hours" {
  description = "After how many hours an upload that is delivered, and neither ingested nor refused, is an alarm. All tries of an ingestion take 1.3 hours at most."
  type        = number
  default     = 2

  validation {
    condition     = var.upload_max_hours > 0
    error_message = "upload_max_hours must be more than 0."
  }
}

variable "purge_max_hours" {
  description = "After how many hours something deleted that is still there is an alarm. Clients' temporary credentials may write for one."
  type        = number
  default     = 3

  validation {
    condition     = var.purge_max_hours > 0
    error_message = "purge_max_hours must be more than 0."
  }
}

variable "cache_failures_threshold" {
  description = "Failures of Redis in five minutes from which, three times in a row, there is an alarm."
  type        = number
  default     = 20

  validation {
    condition     = var.cache_failures_threshold >= 1
    error_message = "cache_failures_threshold must be at least 1."
  }
}

variable "database_connections_threshold" {
  description = "Connections to the database from which there is an alarm. A db.t4g.micro takes about 80, a db.t4g.medium about 400."
  type        = number
  default     = 60

  validation {
    condition     = var.database_connections_threshold >= 1
    error_message = "database_connections_threshold must be at least 1."
  }
}
