using SLoRA.Evaluation.Runs;

namespace SLoRA.Evaluation.Systems;

/// <summary>What all engines of a comparison have in common.</summary>
internal static class EngineRecipe
{
    private const long HostBytes = 1L << 40;
    private const int PageTokens = 16;
    private const int LongestAnswer = 8192;

    /// <summary>
    /// Describes an engine without its device. Prompts are not reused, since nothing that it is compared with does that, and every
    /// adapter's content stays in main memory.
    /// </summary>
    public static LoraServingEngineBuilder Builder(string folder, SystemSetup setup, RunClock clock) => LoraServingEngine.CreateBuilder()
        .UseModel(folder)
        .UseTimeProvider(clock.Provider)
        .CheckInvariants(false)
        .ConfigureAdapters(adapters => adapters.HostBytes = HostBytes)
        .ConfigurePool(pool =>
        {
            pool.Bytes = setup.PoolBytes;
            pool.PageTokens = PageTokens;
            pool.PrefixReuse = false;
        })
        .ConfigureScheduling(scheduling =>
        {
            scheduling.MaxRowsPerStep = setup.RowsPerStep;
            scheduling.MaxRunning = setup.Running;
            scheduling.MaxWaiting = setup.Waiting;
            scheduling.StreamBuffer = LongestAnswer;
            scheduling.ConsumerTimeout = Timeout.InfiniteTimeSpan;
            scheduling.OverCommit = setup.OverCommit;
            scheduling.Policy = setup.Policy;
            scheduling.MaxPromptRowsPerStep = setup.PromptRows;
        });
}
