"""gunicorn's settings for the bare WSGI callable: the worker class of Souk's services, two processes, nothing else."""

from gevent import monkey

monkey.patch_all()

worker_class = "chassis.gunicorn_worker.Worker"
workers = 2
worker_connections = 200
keepalive = 75
raw_env = ["CHASSIS_LINGER_SECONDS=0", "CHASSIS_DRAIN_SECONDS=1"]
control_socket_disable = True
