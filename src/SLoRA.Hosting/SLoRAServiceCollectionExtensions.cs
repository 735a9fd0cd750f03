using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SLoRA.Extensions.AI;
using SLoRA.Text;

namespace SLoRA.Hosting;

/// <summary>An engine among a host's services.</summary>
public static class SLoRAServiceCollectionExtensions
{
    /// <summary>
    /// Serves one engine: <see cref="ILoraEngine"/>, <see cref="ModelTokenizer"/>, <see cref="TextGenerator"/>,
    /// <see cref="LoraChatClient"/>, and <see cref="IChatClient"/> where the host has none. The host loads it when it starts and lets it
    /// end in order when it stops; its options are those that are configured for <see cref="SLoRAOptions"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    public static SLoRABuilder AddSLoRA(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptionsWithValidateOnStart<SLoRAOptions, SLoRAOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<HostedEngine>();
        services.TryAddSingleton<ILoraEngine>(provider => provider.GetRequiredService<HostedEngine>());
        services.TryAddSingleton(provider => ModelTokenizer.Load(Options(provider).Model));
        services.TryAddSingleton<TextGenerator>();
        services.TryAddSingleton(CreateClient);
        services.TryAddSingleton<IChatClient>(provider => provider.GetRequiredService<LoraChatClient>());
        services.AddHostedService<EngineService>();
        return new SLoRABuilder(services);
    }

    /// <summary>As <see cref="AddSLoRA(IServiceCollection)"/>, with options in code.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets the options.</param>
    public static SLoRABuilder AddSLoRA(this IServiceCollection services, Action<SLoRAOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        SLoRABuilder builder = services.AddSLoRA();
        services.Configure(configure);
        return builder;
    }

    /// <summary>
    /// As <see cref="AddSLoRA(IServiceCollection)"/>, with options from a configuration. Each of its adapters has a chat client under its
    /// name as key.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="section">The section with the members of <see cref="SLoRAOptions"/>. A name in it that is none of them is refused when
    /// the host starts.</param>
    public static SLoRABuilder AddSLoRA(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        SLoRABuilder builder = services.AddSLoRA();
        services.Configure<SLoRAOptions>(section, binder => binder.ErrorOnUnknownConfiguration = true);
        foreach (IConfigurationSection adapter in section.GetSection(nameof(SLoRAOptions.Adapters)).GetChildren())
        {
            builder.AddChatClient(adapter.Key);
        }

        return builder;
    }

    private static LoraChatClient CreateClient(IServiceProvider provider)
    {
        SLoRAOptions given = Options(provider);
        var options = new LoraChatOptions
        {
            ModelName = given.ModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(given.Model)),
            Clock = provider.GetRequiredService<TimeProvider>(),
        };
        foreach (Func<LoraChatOptions, LoraChatOptions> configure in provider.GetServices<Func<LoraChatOptions, LoraChatOptions>>())
        {
            options = configure(options);
        }

        return provider.GetRequiredService<ILoraEngine>().AsChatClient(provider.GetRequiredService<ModelTokenizer>(), options);
    }

    private static SLoRAOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<SLoRAOptions>>().Value;
}
