-- Every request is another order of two products, under a key of its own.
-- Arguments: the run's name, how many products there are, milliseconds between two requests of one client.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  run, products, placed = arguments[1], tonumber(arguments[2]), 0
  local pause = tonumber(arguments[3] or "0")
  if pause > 0 then
    delay = function() return pause end
  end
  math.randomseed(number * 7919)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  placed = placed + 1
  local one = math.random(products)
  local other = one % products + 1
  wrk.headers["Idempotency-Key"] = string.format("%s-%d-%d", run, number, placed)
  local body = string.format(
    '{"items": [{"sku": "BENCH-%03d", "quantity": 1}, {"sku": "BENCH-%03d", "quantity": 1}]}', one, other)
  return wrk.format(nil, nil, nil, body)
end
