# IAM permissions and trust. data.justified holds each broad permission that has a justification, keyed by the role (or the
# resource with the policy) and the action, separated by a space.
package rights

import rego.v1

# --- Statements ------------------------------------------------------------------------------------------------------

# Statements of a role's inline policies.
granted contains {"who": r.values.role, "at": r.address, "statement": s} if {
	some r in input.resources
	r.type == "aws_iam_role_policy"
	some s in statements(object.get(r.values, "policy", ""))
}

# Statements of a resource's policy: `*` is the resource itself.
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

# A policy that is unknown at plan time would escape the rules below.
denied contains {"rule": "an unreadable policy", "at": r.address} if {
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

# These would allow everything not listed, including future services.
denied contains {"rule": "every action except some", "at": g.at} if {
	some g in granted | admitted | trusted
	some key in ["NotAction", "NotResource", "NotPrincipal"]
	g.statement[key]
}

# --- Broad permissions, which need a justification -------------------------------------------------------------------

broad contains {"rule": "every action of a service", "at": g.at, "right": sprintf("%s %s", [g.who, action])} if {
	some g in granted | admitted
	some action in listed(g.statement.Action)
	regex.match(`^[a-z0-9-]+:\*$`, action)
}

broad contains {"rule": "writes to every resource", "at": g.at, "right": sprintf("%s %s", [g.who, action])} if {
	some g in granted
	"*" in listed(g.statement.Resource)
	some action in listed(g.statement.Action)
	not reads_metadata(action)
}

broad contains {"rule": "an AWS managed policy", "at": r.address, "right": right} if {
	some r in input.resources
	r.type == "aws_iam_role_policy_attachment"
	parts := split(r.values.policy_arn, "/")
	right := sprintf("%s %s", [r.values.role, parts[count(parts) - 1]])
}

# Reads metadata, not contents.
reads_metadata(action) if {
	regex.match("^[a-z0-9-]+:(Describe|Get|List)", action)
	not action in {"secretsmanager:GetSecretValue", "s3:GetObject"}
	not startswith(action, "ssm:GetParameter")
}

denied contains {"rule": w.rule, "at": w.at} if {
	some w in broad
	not data.justified[w.right]
}

# --- Trust -----------------------------------------------------------------------------------------------------------

denied contains {"rule": "any principal", "at": g.at} if {
	some g in admitted | trusted
	some principal in ["*", {"AWS": "*"}, {"AWS": ["*"]}]
	g.statement.Principal == principal
}

denied contains {"rule": "any OIDC subject", "at": g.at} if {
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
