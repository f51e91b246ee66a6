-- Argo CD leaves Applications without a health of their own, and a wave of Applications then waits for nothing.
local hs = { status = "Progressing", message = "Waiting for the first look" }
if obj.metadata ~= nil and obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Pending deletion"
  return hs
end
if obj.status == nil or obj.status.health == nil or obj.status.health.status == nil then
  return hs
end
if obj.status.sync ~= nil and obj.status.sync.status ~= "Synced" and obj.status.health.status == "Healthy" then
  -- Healthy before the first sync means that there is nothing yet.
  hs.message = "Not synchronised"
  return hs
end
hs.status = obj.status.health.status
hs.message = obj.status.health.message or ""
return hs
