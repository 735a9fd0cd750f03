using SLoRA.Extensions.AI.Replies;
using SLoRA.Hosting;
using SLoRA.HuggingFace;
using SLoRA.Text;

namespace SLoRA.PublicApi.Tests.Package;

/// <summary>A package of the repository.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Known">A type that it has.</param>
/// <param name="Dependencies">The packages that it brings along.</param>
internal sealed record PackageInfo(string Name, Type Known, params string[] Dependencies)
{
    private static readonly PackageInfo[] All =
    [
        new("SLoRA.Core", typeof(LoraServingEngine),
            "ILGPU", "ILGPU.Algorithms", "Microsoft.Extensions.Logging.Abstractions", "System.Numerics.Tensors"),
        new("SLoRA.Text", typeof(ModelTokenizer), "SLoRA.Core"),
        new("SLoRA.HuggingFace", typeof(HubCache), "SLoRA.Core"),
        new("SLoRA.Extensions.AI", typeof(ReplyFormat), "SLoRA.Text", "Microsoft.Extensions.AI.Abstractions"),
        new("SLoRA.Hosting", typeof(SLoRAOptions), "SLoRA.Extensions.AI", "Microsoft.Extensions.Diagnostics.HealthChecks",
            "Microsoft.Extensions.Hosting.Abstractions", "Microsoft.Extensions.Options.ConfigurationExtensions"),
    ];

    /// <summary>Every package, those first that others need.</summary>
    public static IEnumerable<string> Names => All.Select(package => package.Name);

    public static PackageInfo Of(string name) => All.Single(package => package.Name == name);
}
