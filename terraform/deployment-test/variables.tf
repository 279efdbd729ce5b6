# A trial's driver, deploy/trial, gives all of these.

variable "name_prefix" {
  description = "Name of the trial: what all names begin with, and no other trial's."
  type        = string

  validation {
    condition     = can(regex("^anonlink-t-[0-9a-f]{8}$", var.name_prefix))
    error_message = "name_prefix must be anonlink-t- and eight hexadecimal digits: whatever has such a name may be removed."
  }
}

variable "region" {
  description = "The region of the trial."
  type        = string
}

variable "network" {
  description = "The network that stays, as network/ gives it."
  type = object({
    vpc_id                     = string
    function_subnet_ids        = list(string)
    store_subnet_ids           = list(string)
    function_security_group_id = string
  })
}

variable "packages" {
  description = "Zips that python -m deploy.package --tests builds: the service's code, the tests' code, and the layers by name."
  type        = object({ code = string, tests = string, layers = map(string) })
}

variable "concurrency" {
  description = "Modules of the suite, and compare functions of a run, that work at a time. A new account may give ten functions at a time for everything."
  type        = number
  default     = 2

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 40
    error_message = "concurrency must be 1 to 40."
  }
}

variable "emulator" {
  description = "The embedded stack's emulator, and the stores that stand in for RDS and ElastiCache; null for AWS. AWS_ENDPOINT_URL must name the emulator, too."
  type = object({
    endpoint_url      = string
    database          = object({ host = string, port = number, name = string, user = string })
    database_password = string
    cache             = object({ host = string, port = number })
    cache_password    = string
  })
  default   = null
  sensitive = true
}
