// Runs checks one after the other, and says which of them failed.
module.exports = async function run(checks) {
    for (const check of checks) {
        try {
            await check();
        } catch (error) {
            console.error(`${check.name}: ${error.stack}`);
            process.exitCode = 1;
        }
    }
};
