"""Writes that come at the same time share a transaction, each in a savepoint of its own."""
import asyncio

GROUP_MOST = 256


class Groups:
    def __init__(self, db):
        self.db = db
        self.waiting = []
        self.task = None

    async def write(self, work, *args):
        """The result of work(db, *args), when it is on disk."""
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((work, args, done))
        if self.task is None:
            self.task = asyncio.create_task(self.run())
        return await done

    async def run(self):
        """As long as there are any: what has come while one group was committed is the next."""
        while self.waiting:
            group, self.waiting = self.waiting[:GROUP_MOST], self.waiting[GROUP_MOST:]
            try:
                results = await asyncio.to_thread(self.commit, group)
            except Exception as error:  # of all of them
                results = [(None, error)] * len(group)
            for (_, _, done), (result, error) in zip(group, results):
                if done.done():  # nobody waits any more
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)
        self.task = None

    def commit(self, group):
        """In a thread: (result, error) of each, when they are on disk."""
        results = []
        self.db.execute("begin immediate")
        try:
            for work, args, _ in group:
                self.db.execute("savepoint piece")
                try:
                    results.append((work(self.db, *args), None))
                except Exception as error:
                    self.db.execute("rollback to piece")
                    results.append((None, error))
                self.db.execute("release piece")
            self.db.execute("commit")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("rollback")
            raise
        return results
