-- Healthy when every Application of the set is synced and healthy; the next wave waits for this. Argo CD's built-in check
-- reports Healthy as soon as the Applications exist.
local hs = { status = "Progressing", message = "Waiting for Applications" }
if obj.metadata ~= nil and obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Pending deletion"
  return hs
end
if obj.status == nil then
  return hs
end
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "ErrorOccurred" and condition.status == "True" then
    return { status = "Degraded", message = condition.message or "" }
  end
end
local waiting, degraded, count = {}, {}, 0
for _, resource in ipairs(obj.status.resources or {}) do
  count = count + 1
  local health = resource.health ~= nil and resource.health.status or "Missing"
  if health == "Degraded" then
    table.insert(degraded, resource.name)
  elseif health ~= "Healthy" or resource.status ~= "Synced" then
    table.insert(waiting, resource.name)
  end
end
if #degraded > 0 then
  return { status = "Degraded", message = "Degraded: " .. table.concat(degraded, ", ") }
end
if count == 0 then
  return hs
end
if #waiting > 0 then
  hs.message = "Waiting for " .. table.concat(waiting, ", ")
  return hs
end
return { status = "Healthy", message = count .. " Applications" }
