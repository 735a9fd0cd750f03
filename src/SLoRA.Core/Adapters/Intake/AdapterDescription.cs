using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>One module that an adapter changes, and where its matrices lie.</summary>
/// <param name="Target">The module.</param>
/// <param name="Rank">The rank, at least 1.</param>
/// <param name="Scale">What multiplies B A.</param>
/// <param name="A">A, [rank, in].</param>
/// <param name="B">B, [out, rank].</param>
internal sealed record AdapterModule(TargetModule Target, int Rank, float Scale, TensorEntry A, TensorEntry B)
{
    /// <summary>
    /// Where A and B come from if the file has the factors of all experts in one tensor each: A and B are then what they become when they
    /// are read. Null if they are tensors of the file.
    /// </summary>
    public ExpertSlice? Slice { get; init; }
}

/// <summary>
/// A copy of a weight of the base model that an adapter file carries. It must equal the base's own, or the adapter is for another model.
/// </summary>
/// <param name="Target">The module whose weight it is.</param>
/// <param name="Tensor">The copy.</param>
internal sealed record BaseMatrix(TargetModule Target, TensorEntry Tensor);

/// <summary>
/// What names and shapes alone can tell about an adapter: what registration knows. No value of a tensor has been read yet.
/// </summary>
internal sealed class AdapterDescription
{
    private AdapterDescription(AdapterPackage package, AdapterReader reader, AdapterLayout layout, int modelModules)
    {
        Package = package;
        File = reader.File;
        Parts = layout.Parts;
        BaseMatrices = layout.BaseMatrices;
        Fingerprint = reader.Fingerprint;
        Stamp = reader.Stamp;
        Coverage = new AdapterCoverage(
            [.. Modules.Select(module => new AdapterModuleCoverage(module.Target.Name, module.Rank, module.Scale))],
            modelModules,
            layout.UnusedTargets,
            AdapterEffect.Without(Modules),
            Modules.Sum(module => module.A.ElementCount + module.B.ElementCount)
                + Parts.Changes.Sum(change => change.Tensors.Sum(tensor => tensor.ElementCount)),
            reader.Bytes,
            AdapterKinds.Of(Parts))
        {
            AddedTokens = Parts.AddedTokens,
            HasOwnTokens = Parts.Changes.Any(
                change => change.HasRows && change.Target.Kind is (TargetKind.Embedding or TargetKind.Head)),
            HasOwnWeights = Parts.Changes.Any(change => change.HasRows || change.Bias is not null),
        };
    }

    /// <summary>Where the adapter comes from.</summary>
    public AdapterPackage Package { get; }

    /// <summary>The name that errors call the source of the tensors by.</summary>
    public string File { get; }

    /// <summary>The modules that the adapter changes, in the model's order. Never empty.</summary>
    public ImmutableArray<AdapterModule> Modules => Parts.Modules;

    /// <summary>All that it does.</summary>
    public AdapterParts Parts { get; }

    /// <summary>The copies of base weights in the file.</summary>
    public ImmutableArray<BaseMatrix> BaseMatrices { get; }

    /// <summary>The report for the user.</summary>
    public AdapterCoverage Coverage { get; }

    /// <summary>What the package must still have when its content is read.</summary>
    public ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>How the files stood; null where there are none.</summary>
    public PackageStamp? Stamp { get; }

    /// <summary>Reads the configuration and the list of tensors of an adapter and checks them against a model.</summary>
    /// <param name="package">The adapter.</param>
    /// <param name="targets">The modules of the model that can have LoRA, and its norms, by index.</param>
    /// <param name="load">Says when it may work, and when nobody wants it any more; null for always.</param>
    /// <exception cref="AdapterLoadException">Something in it is wrong, not for this model or not served.</exception>
    public static AdapterDescription Read(AdapterPackage package, ImmutableArray<TargetModule> targets, PacedLoad? load = null)
    {
        try
        {
            using AdapterReader reader = package.Open(load);
            using PacedWork? work = load?.WorkInPieces();
            return new AdapterDescription(package, reader, AdapterLayout.Match(reader, targets, work),
                targets.Count(target => target.Kind != TargetKind.Norm));
        }
        catch (FormatError error)
        {
            throw new AdapterLoadException(package.Name, error);
        }
    }
}
