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
            failures.Add("Model is missing; it names the folder of the base model, or its GGUF file.");
        }
        else if (!Directory.Exists(options.Model) && !IsGguf(options.Model))
        {
            failures.Add($"Model is '{options.Model}'; there is no such folder or GGUF file.");
        }

        if (!EngineBackend.IsKnown(options.Backend))
        {
            failures.Add($"Backend is '{options.Backend}'; it must be Cpu, Gpu or Reference.");
        }

        foreach ((string adapter, string folder) in options.Adapters)
        {
            if (!Directory.Exists(folder) && !IsGguf(folder))
            {
                failures.Add($"Adapters:{adapter} is '{folder}'; there is no such folder or GGUF file.");
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

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static bool IsGguf(string path) => path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(path);
}
