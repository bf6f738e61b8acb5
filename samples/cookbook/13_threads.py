import asyncio
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def read_sensor(number):
    time.sleep(0.01)
    return 20 + number


def count_primes(limit):
    return sum(all(n % d for d in range(2, n)) for n in range(2, limit))


async def main():
    print(f"sensor 1: {await asyncio.to_thread(read_sensor, 1)} degrees")
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as one:
        degrees = await loop.run_in_executor(one, read_sensor, 2)
        print(f"sensor 2: {degrees} degrees")
    with ProcessPoolExecutor() as processes:
        primes = await loop.run_in_executor(processes, count_primes, 100)
    print(f"{primes} primes below 100")


if __name__ == "__main__":
    asyncio.run(main())
