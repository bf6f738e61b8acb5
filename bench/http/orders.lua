-- A body of 150 bytes, with six fields.
wrk.method = "POST"
wrk.path = "/orders"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"name":"a garden chair of beech","price":129.9,"quantity":4,"color":"green","is_gift":true,' ..
    '"note":"please ring twice, the bell is a bit tired"}'
