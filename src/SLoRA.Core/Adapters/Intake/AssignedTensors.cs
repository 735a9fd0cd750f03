using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.Peft;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>The tensors of a file by module and role. Every one of them found its place, and none found it twice.</summary>
internal sealed class AssignedTensors
{
    // Of matrices of embeddings the role is that of the others: whoever asks knows the module.
    private readonly Dictionary<(int Module, PeftTensorRole Role), TensorEntry> _tensors = [];
    private readonly Dictionary<int, TensorEntry> _copies = [];
    private readonly string _file;
    private readonly Func<string, PeftTensorRole, string> _nameOf;
    private readonly Func<TensorEntry, (LoadErrorKind Kind, string Problem)?> _foreignProblem;
    private readonly ImmutableArray<TargetModule> _targets;

    private AssignedTensors(AdapterReader reader, ImmutableArray<TargetModule> targets)
    {
        _file = reader.File;
        _nameOf = reader.NameOf;
        _foreignProblem = reader.ForeignProblem;
        _targets = targets;
    }

    /// <summary>The name that errors call the file by.</summary>
    public string File => _file;

    /// <summary>The copies of base weights, in the model's order.</summary>
    public ImmutableArray<BaseMatrix> BaseMatrices =>
        [.. _targets.Where(target => _copies.ContainsKey(target.Index)).Select(target => new BaseMatrix(target, _copies[target.Index]))];

    /// <summary>The copy of a base weight; null if the file has none.</summary>
    public TensorEntry? CopyOf(TargetModule target) => _copies.GetValueOrDefault(target.Index);

    /// <summary>A of a targeted module.</summary>
    /// <exception cref="FormatError">The file has none.</exception>
    public TensorEntry A(TargetModule target) => Required(target, PeftTensorRole.A);

    /// <summary>B of a targeted module.</summary>
    /// <exception cref="FormatError">The file has none.</exception>
    public TensorEntry B(TargetModule target) => Required(target, PeftTensorRole.B);

    /// <summary>A tensor of a module; null if the file has none.</summary>
    public TensorEntry? Find(TargetModule target, PeftTensorRole role) => _tensors.GetValueOrDefault((target.Index, role));

    /// <summary>A tensor of a module.</summary>
    /// <exception cref="FormatError">The file has none.</exception>
    public TensorEntry Required(TargetModule target, PeftTensorRole role) => Find(target, role) ?? throw new FormatError(
        LoadErrorKind.Tensor, _file, _nameOf(target.Name, RoleOf(target, role)),
        "is missing, although the configuration " + (role is PeftTensorRole.A or PeftTensorRole.B ? "targets its module" : "asks for it"));

    /// <summary>The last names of modules of single experts that the file has a matrix for.</summary>
    public HashSet<string> ExpertNames() =>
        [.. _targets.Where(target => target.IsOfExpert
                && (Find(target, PeftTensorRole.A) ?? Find(target, PeftTensorRole.B)) is not null)
            .Select(LastName)];

    /// <summary>The last part of a module's name.</summary>
    public static string LastName(TargetModule target) => target.Name[(target.Name.LastIndexOf('.') + 1)..];

    /// <summary>All A, or all B, of the modules that bear the same last name: those that have the same shape in most models.</summary>
    public IEnumerable<(TargetModule Target, TensorEntry Tensor)> Siblings(TargetModule target, bool isA)
    {
        PeftTensorRole role = isA ? PeftTensorRole.A : PeftTensorRole.B;
        return _targets.Where(other => LastName(other) == LastName(target) && Find(other, role) is not null)
            .Select(other => (other, Find(other, role)!));
    }

    /// <summary>Gives every tensor its place.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="targets">The modules of the model.</param>
    /// <param name="wanted">What the configuration asks of each of them.</param>
    /// <param name="matcher">What the configuration targets, also outside this model.</param>
    /// <param name="fused">Takes the factors of all experts.</param>
    /// <param name="pause">Called before each tensor, so that others can work meanwhile; null for nobody.</param>
    /// <exception cref="FormatError">A tensor has no place, or another has it already.</exception>
    public static AssignedTensors Assign(
        AdapterReader reader, ImmutableArray<TargetModule> targets, ImmutableArray<WantedTensors> wanted, TargetMatcher matcher,
        FusedTensors fused,
        Action? pause = null)
    {
        var result = new AssignedTensors(reader, targets);
        Dictionary<string, TargetModule> byName = targets
            .Where(target => target.Kind is not (TargetKind.FusedExpert or TargetKind.HeadView))
            .SelectMany(target => target.Names.Select(name => (name, target)))
            .ToDictionary(pair => pair.name, pair => pair.target, StringComparer.Ordinal);
        foreach (TensorEntry tensor in reader.Tensors)
        {
            pause?.Invoke();
            if (reader.KeyOf(tensor) is not { } key)
            {
                throw result.NotServed(tensor);
            }

            if (fused.Take(tensor, key))
            {
                continue;
            }

            TargetModule target = key.Candidates().Select(name => byName.GetValueOrDefault(name)).FirstOrDefault(found => found is not null)
                ?? throw result.NoModule(tensor, key, matcher);
            if (!tensor.Type.IsWeight())
            {
                throw result.Error(LoadErrorKind.Tensor, tensor, $"has the type {tensor.Type}; F32, F16 and BF16 are served");
            }

            result.Add(tensor, target, key.Role, wanted[target.Index], reader.Config);
        }

        return result;
    }

    private void Add(TensorEntry tensor, TargetModule target, PeftTensorRole role, WantedTensors wanted, PeftConfig config)
    {
        switch (role)
        {
            case PeftTensorRole.A or PeftTensorRole.B or PeftTensorRole.EmbeddingA or PeftTensorRole.EmbeddingB:
                if (!wanted.Lora)
                {
                    throw Error(LoadErrorKind.Tensor, tensor, $"is for {target.Name}, which the configuration does not target");
                }

                AddMatrix(tensor, target, role);
                break;
            case PeftTensorRole.Weight when !wanted.Whole:
                AddCopy(tensor, target, wanted.Lora || !wanted.Tokens.IsEmpty);
                break;
            case PeftTensorRole.Weight:
                Put(tensor, target, role);
                break;
            case PeftTensorRole.Bias:
                Ask(wanted.Bias, tensor, target, "the bias", "bias");
                Put(tensor, target, role);
                break;
            case PeftTensorRole.LoraBias:
                Ask(wanted.Lora && config.LoraBias, tensor, target, "a trained bias", "lora_bias");
                Put(tensor, target, role);
                break;
            case PeftTensorRole.Magnitude:
                Ask(wanted.Lora && config.UseDora, tensor, target, "a magnitude of DoRA", "use_dora");
                Put(tensor, target, role);
                break;
            case PeftTensorRole.TokenRows:
                Ask(!wanted.Tokens.IsEmpty, tensor, target, "trained rows", "trainable_token_indices");
                Put(tensor, target, role);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(role), role, "No such role.");
        }
    }

    private void AddMatrix(TensorEntry tensor, TargetModule target, PeftTensorRole role)
    {
        bool forEmbedding = role is PeftTensorRole.EmbeddingA or PeftTensorRole.EmbeddingB;
        if (forEmbedding != (target.Kind == TargetKind.Embedding))
        {
            throw Error(
                LoadErrorKind.Tensor, tensor,
                $"is the matrix of {(forEmbedding ? "an embedding" : "a linear module")}, which {target.Name} is not");
        }

        Put(tensor, target, role is PeftTensorRole.A or PeftTensorRole.EmbeddingA ? PeftTensorRole.A : PeftTensorRole.B);
    }

    /// <summary>
    /// PEFT saves the weights of targeted embeddings and heads, and of resized ones, and loads them over the base.
    /// </summary>
    private void AddCopy(TensorEntry tensor, TargetModule target, bool isTargeted)
    {
        bool asBaseLayer = tensor.Name.EndsWith(".base_layer.weight", StringComparison.Ordinal);
        if (target.IsOfExpert || (asBaseLayer ? !isTargeted : target.Kind is TargetKind.Linear or TargetKind.Norm))
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"is a weight of {target.Name}, which the configuration does not ask for");
        }

        if (!_copies.TryAdd(target.Index, tensor))
        {
            throw Twice(_copies[target.Index], tensor, target);
        }
    }

    private void Ask(bool isAsked, TensorEntry tensor, TargetModule target, string what, string option)
    {
        if (!isAsked)
        {
            throw Error(LoadErrorKind.Tensor, tensor, $"is {what} of {target.Name}, which the configuration ({option}) does not ask for");
        }
    }

    private void Put(TensorEntry tensor, TargetModule target, PeftTensorRole role)
    {
        if (!_tensors.TryAdd((target.Index, role), tensor))
        {
            throw Twice(_tensors[(target.Index, role)], tensor, target);
        }
    }

    private static PeftTensorRole RoleOf(TargetModule target, PeftTensorRole role) => (role, target.Kind) switch
    {
        (PeftTensorRole.A, TargetKind.Embedding) => PeftTensorRole.EmbeddingA,
        (PeftTensorRole.B, TargetKind.Embedding) => PeftTensorRole.EmbeddingB,
        _ => role,
    };

    private FormatError NotServed(TensorEntry tensor) => _foreignProblem(tensor) is { } foreign
        ? Error(foreign.Kind, tensor, foreign.Problem)
        : Error(LoadErrorKind.Tensor, tensor, "is no tensor of an adapter that is served");

    private FormatError NoModule(TensorEntry tensor, PeftTensorKey key, TargetMatcher matcher)
    {
        if (_foreignProblem(tensor) is { } foreign)
        {
            return Error(foreign.Kind, tensor, foreign.Problem);
        }

        // An adapter that targets what this model lacks is for another one; a tensor that it does not even target is a stray.
        bool wanted = key.Role is not (PeftTensorRole.Weight or PeftTensorRole.Bias)
            && key.Candidates().Any(name => matcher.Targets(name, isInnerLinear: true));
        return Error(wanted ? LoadErrorKind.Incompatible : LoadErrorKind.Tensor, tensor, "belongs to no module of the base model");
    }

    private FormatError Twice(TensorEntry first, TensorEntry second, TargetModule target) =>
        Error(LoadErrorKind.Tensor, second, $"and {Shown.Name(first.Name)} are both for {target.Name}");

    private FormatError Error(LoadErrorKind kind, TensorEntry tensor, string problem) => new(kind, _file, tensor.Name, problem);
}
