using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace SLoRA.Hosting;

/// <summary>
/// Ready: the weights are loaded, the pool's books agree, and the queue has room. Where this fails, others should be asked.
/// </summary>
internal sealed class EngineReadyCheck(HostedEngine engine, IOptions<SLoRAOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (!engine.IsLoaded)
        {
            return HealthCheckResult.Unhealthy("The model is not loaded.");
        }

        if (engine.IsDraining || engine.Completion.IsCompleted)
        {
            return HealthCheckResult.Unhealthy("The engine takes no more requests.");
        }

        EngineStatus status = engine.Status;
        int limit = options.Value.ReadyWaiting ?? options.Value.Scheduling.MaxWaiting;
        var data = new Dictionary<string, object>
        {
            ["running"] = status.Running,
            ["waiting"] = status.Waiting,
            ["pool_utilization"] = status.Pool.Utilization,
            ["resident_adapters"] = status.ResidentAdapters,
        };
        if (status.Pool is not { Free: >= 0, Reserved: >= 0, CacheInUse: >= 0, AdaptersInUse: >= 0 } pool || pool.Reserved > pool.Free)
        {
            return HealthCheckResult.Unhealthy("The books of the page pool do not agree.", data: data);
        }

        return status.Waiting < limit
            ? HealthCheckResult.Healthy("Ready.", data)
            : HealthCheckResult.Unhealthy($"{status.Waiting} requests wait; the limit is {limit}.", data: data);
    }
}
