output "settings" {
  description = "Values for the root module's variables of the same names; null is their default."
  value       = local.settings
}
