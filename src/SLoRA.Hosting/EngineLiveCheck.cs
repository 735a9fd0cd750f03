using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace SLoRA.Hosting;

/// <summary>Live: the engine's loop turns, or there is no engine yet. Where this fails, only a new process helps.</summary>
internal sealed class EngineLiveCheck(HostedEngine engine, IOptions<SLoRAOptions> options, TimeProvider clock) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!engine.IsLoaded)
        {
            return engine.Completion.IsFaulted
                ? HealthCheckResult.Unhealthy("The engine could not be loaded.", engine.Completion.Exception!.InnerException)
                : HealthCheckResult.Healthy("The engine is being loaded.");
        }

        try
        {
            // No adapter has this name: the question changes nothing, and the loop answers it between two steps.
            await engine.Adapters.UnpinAsync("").WaitAsync(options.Value.LiveTimeout, clock, cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy("The loop turns.");
        }
        catch (TimeoutException)
        {
            return HealthCheckResult.Unhealthy($"The loop has not turned for {options.Value.LiveTimeout:c}.");
        }
        catch (SLoraException error)
        {
            return HealthCheckResult.Unhealthy(error.Message, error);
        }
    }
}
