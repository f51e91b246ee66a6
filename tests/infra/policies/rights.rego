# Who may do what, and who may become whom. data.explained holds each wide right that has a reason: its key is the role
# (or the resource whose policy it is) and the right, a space between.
package rights

import rego.v1

# --- Statements ------------------------------------------------------------------------------------------------------

# Of a role's own policies: what they name is what the role reaches.
granted contains {"who": r.values.role, "at": r.address, "statement": s} if {
	some r in input.resources
	r.type == "aws_iam_role_policy"
	some s in statements(object.get(r.values, "policy", ""))
}

# Of a resource's policy: `*` is the resource itself, and everyone is a principal.
admitted contains {"who": r.address, "at": r.address, "statement": s} if {
	some r in input.resources
	regex.match(`^aws_(kms_key|sqs_queue|sns_topic|(.+_)?(repository|bucket|queue|topic|secret)_policy)$`, r.type)
	some s in statements(object.get(r.values, "policy", ""))
}

trusted contains {"who": r.values.name, "at": r.address, "statement": s} if {
	some r in input.resources
	r.type == "aws_iam_role"
	some s in statements(r.values.assume_role_policy)
}

statements(text) := {s |
	startswith(text, "{")
	some s in listed(json.unmarshal(text).Statement)
	s.Effect == "Allow"
}

listed(x) := x if is_array(x)

listed(x) := [x] if not is_array(x)

# A policy that is known only after the apply would be one that no rule below has seen.
denied contains {"rule": "a policy that cannot be read", "at": r.address} if {
	some r in input.resources
	place := {"aws_iam_role_policy": "policy", "aws_iam_role": "assume_role_policy", "aws_kms_key": "policy"}[r.type]
	not startswith(object.get(r.values, place, ""), "{")
}

# --- Every action ----------------------------------------------------------------------------------------------------

denied contains {"rule": "every action", "at": g.at} if {
	some g in granted | admitted
	some action in listed(object.get(g.statement, "Action", []))
	action == "*"
}

# What is not forbidden would be allowed: services of tomorrow, too.
denied contains {"rule": "every action but some", "at": g.at} if {
	some g in granted | admitted | trusted
	some key in ["NotAction", "NotResource", "NotPrincipal"]
	g.statement[key]
}

# --- What is wide, and needs a reason --------------------------------------------------------------------------------

wide contains {"rule": "every action of a service", "at": g.at, "right": sprintf("%s %s", [g.who, action])} if {
	some g in granted | admitted
	some action in listed(g.statement.Action)
	regex.match(`^[a-z0-9-]+:\*$`, action)
}

wide contains {"rule": "writes to everything", "at": g.at, "right": sprintf("%s %s", [g.who, action])} if {
	some g in granted
	"*" in listed(g.statement.Resource)
	some action in listed(g.statement.Action)
	not looks(action)
}

wide contains {"rule": "a policy of AWS's own", "at": r.address, "right": right} if {
	some r in input.resources
	r.type == "aws_iam_role_policy_attachment"
	parts := split(r.values.policy_arn, "/")
	right := sprintf("%s %s", [r.values.role, parts[count(parts) - 1]])
}

# Says how things are, and nothing of what they hold.
looks(action) if {
	regex.match("^[a-z0-9-]+:(Describe|Get|List)", action)
	not action in {"secretsmanager:GetSecretValue", "s3:GetObject"}
	not startswith(action, "ssm:GetParameter")
}

denied contains {"rule": w.rule, "at": w.at} if {
	some w in wide
	not data.explained[w.right]
}

# --- Who may become it -----------------------------------------------------------------------------------------------

denied contains {"rule": "anyone", "at": g.at} if {
	some g in admitted | trusted
	some principal in ["*", {"AWS": "*"}, {"AWS": ["*"]}]
	g.statement.Principal == principal
}

denied contains {"rule": "any run of another's", "at": g.at} if {
	some g in trusted
	g.statement.Principal.Federated
	vague(g.statement)
}

vague(statement) if count(subjects(statement)) == 0

vague(statement) if {
	some subject in subjects(statement)
	contains(subject, "*")
}

subjects(statement) := {subject |
	value := statement.Condition.StringEquals[key]
	endswith(key, ":sub")
	some subject in listed(value)
}
