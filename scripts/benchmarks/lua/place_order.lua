-- Every request is another order of two products, under a key of its own.
-- Arguments: how many products there are, milliseconds between two requests of one client on average (0: none).
function init(arguments)
  products, placed = tonumber(arguments[1]), 0
  local pause = tonumber(arguments[2])
  if pause > 0 then
    delay = function() return math.random(0, 2 * pause) end  -- apart, not all at once
  end
  local noise = io.open("/dev/urandom", "rb")
  name = noise:read(12):gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
  noise:close()
  math.randomseed(tonumber(name:sub(1, 7), 16))
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  placed = placed + 1
  local one = math.random(products)
  local other = one % products + 1
  wrk.headers["Idempotency-Key"] = string.format("%s-%d", name, placed)
  local body = string.format(
    '{"items": [{"sku": "BENCH-%03d", "quantity": 1}, {"sku": "BENCH-%03d", "quantity": 1}]}', one, other)
  return wrk.format(nil, nil, nil, body)
end
