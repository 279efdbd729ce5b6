output "network" {
  description = "What the root module takes as existing_network."
  value = {
    vpc_id                     = module.network.vpc_id
    function_subnet_ids        = module.network.function_subnet_ids
    store_subnet_ids           = module.network.private_subnet_ids
    function_security_group_id = module.network.function_security_group_id
  }
}
