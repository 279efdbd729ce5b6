variable "endpoint_url" {
  description = "The emulator, such as http://127.0.0.1:4566."
  type        = string
}

variable "name_prefix" {
  description = "What all names begin with; not the embedded stack's own."
  type        = string
  default     = "anonlink-tf"
}

variable "package_path" {
  description = "Zip of the functions' code; null for build/deployment.zip."
  type        = string
  default     = null
}

variable "layer_paths" {
  description = "Zips of the layers; null for those in build/. The emulator takes packages from its own interpreter."
  type        = map(string)
  default     = null
}

variable "database" {
  description = "The embedded Postgres."
  type        = object({ host = string, port = number, name = string, user = string })
}

variable "database_password" {
  description = "Its user's password."
  type        = string
  sensitive   = true
}

variable "cache" {
  description = "The embedded Redis."
  type        = object({ host = string, port = number })
}

variable "cache_password" {
  description = "Its password."
  type        = string
  sensitive   = true
}

variable "concurrency" {
  description = "Compare functions at a time: the machine's cores."
  type        = number
  default     = 2
}

output "rest_api_id" {
  description = "The API is at <endpoint_url>/restapis/<rest_api_id>/api/_user_request_."
  value       = module.anonlink.rest_api_id
}
