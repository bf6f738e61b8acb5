-- Sixteen requests at a time.
local batch

function init()
    local one = wrk.format("GET", "/")
    batch = string.rep(one, 16)
end

function request()
    return batch
end
