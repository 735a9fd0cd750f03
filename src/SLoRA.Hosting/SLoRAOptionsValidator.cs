using Microsoft.Extensions.Options;

namespace SLoRA.Hosting;

/// <summary>Checks what can be known of the options before anything is loaded.</summary>
internal sealed class SLoRAOptionsValidator : IValidateOptions<SLoRAOptions>
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, SLoRAOptions options)
    {
        List<string> failures = [];
        if (string.IsNullOrWhiteSpace(options.Model))
        {
            failures.Add("Model is missing; it names the folder of the base model.");
        }
        else if (!Exists(options.Model))
        {
            failures.Add($"Model is '{options.Model}'; {Missing(options.Model)}");
        }
        else if (IsAdapter(options.Model))
        {
            failures.Add($"Model is '{options.Model}', the folder of an adapter; name the model that it was trained on.");
        }

        if (!EngineBackend.IsKnown(options.Backend))
        {
            failures.Add($"Backend is '{options.Backend}'; it must be Cpu, Gpu or Reference.");
        }

        foreach ((string adapter, string folder) in options.Adapters)
        {
            if (!Exists(folder))
            {
                failures.Add($"Adapters:{adapter} is '{folder}'; {Missing(folder)}");
            }
        }

        if (options.DrainTimeout < TimeSpan.Zero || options.DrainTimeout > Longest)
        {
            failures.Add($"DrainTimeout is {options.DrainTimeout:c}; it must not be negative, and at most a day.");
        }

        if (options.LiveTimeout <= TimeSpan.Zero || options.LiveTimeout > Longest)
        {
            failures.Add($"LiveTimeout is {options.LiveTimeout:c}; it must be positive, and at most a day.");
        }

        if (options.ReadyWaiting < 1)
        {
            failures.Add("ReadyWaiting is below 1; nobody would ever be ready.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(failures.Select(failure => $"{nameof(SLoRAOptions)}: {failure}"));
    }

    // What a file may be is the engine's to say.
    private static bool Exists(string path) => Directory.Exists(path) || File.Exists(path);

    private static bool IsAdapter(string folder) =>
        File.Exists(Path.Combine(folder, "adapter_config.json")) && !File.Exists(Path.Combine(folder, "config.json"));

    private static string Missing(string path) => Path.IsPathFullyQualified(path)
        ? "there is no such folder."
        : $"there is no such folder in {Environment.CurrentDirectory}.";
}
