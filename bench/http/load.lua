-- What wrk sends (-- hello, pipelined or orders), and a line of names and numbers at the end.
local pipelined

function init(args)
  if args[1] == "pipelined" then
    pipelined = string.rep(wrk.format("GET"), 16)
    request = function() return pipelined end
  elseif args[1] == "orders" then
    wrk.method = "POST"
    wrk.path = "/orders"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = assert(io.open(args[2])):read("*l")
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("requests %d errors %d p50 %d p99 %d\n", summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
