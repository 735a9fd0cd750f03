using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using SLoRA.Extensions.AI;

namespace SLoRA.Hosting;

/// <summary>Adds to an engine that a host serves; <see cref="SLoRAServiceCollectionExtensions"/> begins it.</summary>
public sealed class SLoRABuilder
{
    /// <summary>The name of the check that fails where only a new process helps; it is its tag, too.</summary>
    public const string LiveCheck = "slora-live";

    /// <summary>The name of the check that fails where others should be asked; it is its tag, too.</summary>
    public const string ReadyCheck = "slora-ready";

    internal SLoRABuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Says of the engine what options do not: an adapter source, adapters of tensors, a clock. Called when the host starts.
    /// </summary>
    /// <param name="configure">Called with the description that the options have made.</param>
    public SLoRABuilder ConfigureEngine(Action<IServiceProvider, LoraServingEngineBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.AddSingleton(new EngineSetup(configure));
        return this;
    }

    /// <summary>Says of the chat clients what options do not.</summary>
    /// <param name="configure">Given options, returns those to use.</param>
    public SLoRABuilder ConfigureChat(Func<LoraChatOptions, LoraChatOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Services.AddSingleton(configure);
        return this;
    }

    /// <summary>
    /// A chat client of one adapter, under the adapter's name as key: <c>[FromKeyedServices("bakery")] IChatClient</c>. Adapters of a
    /// configuration have theirs already.
    /// </summary>
    /// <param name="adapter">The adapter's name. It need not be registered yet.</param>
    public SLoRABuilder AddChatClient(string adapter)
    {
        ArgumentException.ThrowIfNullOrEmpty(adapter);
        Services.AddKeyedSingleton<IChatClient>(
            adapter, (provider, _) => provider.GetRequiredService<LoraChatClient>().ForAdapter(adapter));
        return this;
    }

    /// <summary>
    /// Health checks named <see cref="LiveCheck"/> (the engine's loop answers, or the model is still being loaded) and
    /// <see cref="ReadyCheck"/> (the model is loaded, the pool sound, the queue below its limit).
    /// </summary>
    public SLoRABuilder AddHealthChecks()
    {
        Services.AddHealthChecks()
            .AddCheck<EngineLiveCheck>(LiveCheck, HealthStatus.Unhealthy, [LiveCheck])
            .AddCheck<EngineReadyCheck>(ReadyCheck, HealthStatus.Unhealthy, [ReadyCheck]);
        return this;
    }
}
