-- Argo CD has no health check for Applications, so a wave would not wait for them.
local hs = { status = "Progressing", message = "Waiting for the first reconciliation" }
if obj.metadata ~= nil and obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Pending deletion"
  return hs
end
if obj.status == nil or obj.status.health == nil or obj.status.health.status == nil then
  return hs
end
if obj.status.sync ~= nil and obj.status.sync.status ~= "Synced" and obj.status.health.status == "Healthy" then
  -- Before the first sync an Application is Healthy because it is empty.
  hs.message = "Not synced"
  return hs
end
hs.status = obj.status.health.status
hs.message = obj.status.health.message or ""
return hs
