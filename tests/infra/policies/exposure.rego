# What is reachable from the internet. Values are compared with the required one, because null is not false in Rego.
package exposure

import rego.v1

everyone := {"0.0.0.0/0", "::/0"}

denied contains {"rule": "ingress from everywhere", "at": r.address} if {
	some r in input.resources
	some cidr in sources(r)
	cidr in everyone
}

sources(r) := {object.get(r.values, "cidr_ipv4", null), object.get(r.values, "cidr_ipv6", null)} if {
	r.type == "aws_vpc_security_group_ingress_rule"
}

sources(r) := cidrs(r.values) if {
	r.type == "aws_security_group_rule"
	r.values.type == "ingress"
}

sources(r) := {cidr | some rule in object.get(r.values, "ingress", []); some cidr in cidrs(rule)} if {
	r.type in {"aws_security_group", "aws_default_security_group"}
}

cidrs(rule) := {cidr |
	some key in ["cidr_blocks", "ipv6_cidr_blocks"]
	blocks := object.get(rule, key, null)
	is_array(blocks)
	some cidr in blocks
}

denied contains {"rule": "publicly reachable", "at": r.address} if {
	some r in input.resources
	public(r)
}

public(r) if {
	r.type == "aws_lb"
	r.values.internal != true
}

public(r) if {
	r.type == "aws_db_instance"
	r.values.publicly_accessible != false
}

public(r) if {
	r.type == "aws_subnet"
	r.values.map_public_ip_on_launch == true
}

public(r) if {
	r.type == "aws_eks_cluster"
	some vpc in r.values.vpc_config
	vpc.endpoint_public_access != false
	some cidr in vpc.public_access_cidrs
	cidr in everyone
}

public(r) if {
	r.type == "aws_msk_cluster"
	some broker in r.values.broker_node_group_info
	some connectivity in broker.connectivity_info
	some access in connectivity.public_access
	access.type != "DISABLED"
}

public(r) if r.type == "aws_lambda_function_url"

denied contains {"rule": "listens without TLS", "at": r.address} if {
	some r in input.resources
	r.type == "aws_lb_listener"
	not r.values.protocol in {"HTTPS", "TLS"}
}
