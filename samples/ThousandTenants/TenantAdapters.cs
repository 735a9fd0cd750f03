using System.Globalization;
using SLoRA;

namespace ThousandTenants;

/// <summary>
/// The adapters of the tenants, made when the engine asks for one, out of the tenant's number: random weights on q, k, v and o, small
/// enough that the model still speaks, of a rank from 2 to 32. In a real program they would come out of folders, a database or the network.
/// </summary>
internal sealed class TenantAdapters(int tenants) : IAdapterSource
{
    private const string Prefix = "tenant-";
    private const int Layers = 4;
    private const int Hidden = 256;
    private const int Keys = 64;

    private static readonly int[] Ranks = [2, 4, 8, 16, 32];

    private long _made;

    /// <summary>How many have been made; one that main memory has forgotten is made again.</summary>
    public long Made => Interlocked.Read(ref _made);

    /// <summary>How requests name the adapter of a tenant.</summary>
    public static string NameOf(int tenant) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{tenant}");

    /// <inheritdoc/>
    public ValueTask<AdapterOrigin?> FindAsync(string name, CancellationToken cancellationToken)
    {
        bool isTenant = name.StartsWith(Prefix, StringComparison.Ordinal)
            & int.TryParse(
                name.AsSpan(Math.Min(name.Length, Prefix.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out int tenant);
        if (!isTenant || tenant >= tenants)
        {
            return ValueTask.FromResult<AdapterOrigin?>(null);
        }

        Interlocked.Increment(ref _made);
        return ValueTask.FromResult<AdapterOrigin?>(AdapterOrigin.FromTensors(Create(tenant)));
    }

    private static AdapterTensors Create(int tenant)
    {
        int rank = Ranks[tenant % Ranks.Length];
        var random = new Random(tenant);
        var tensors =
            new AdapterTensors(new AdapterSettings { Rank = rank, Alpha = rank, TargetModules = ["q_proj", "k_proj", "v_proj", "o_proj"] });
        for (int layer = 0; layer < Layers; layer++)
        {
            foreach ((string module, int outputs) in ((string, int)[])[("q_proj", Hidden), ("k_proj", Keys), ("v_proj", Keys),
                ("o_proj", Hidden)])
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"model.layers.{layer}.self_attn.{module}");
                tensors.Add($"{name}.lora_A.weight", Weights(rank * Hidden), rank, Hidden);
                tensors.Add($"{name}.lora_B.weight", Weights(outputs * rank), outputs, rank);
            }
        }

        return tensors;

        Half[] Weights(int count)
        {
            var weights = new Half[count];
            for (int i = 0; i < count; i++)
            {
                weights[i] = (Half)((random.NextSingle() - 0.5f) * 0.05f);
            }

            return weights;
        }
    }
}
