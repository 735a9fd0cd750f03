using SLoRA.Models.Blocks;

namespace SLoRA.Core.Tests.Models;

/// <summary>The blocks of a layer that has one attention and one feed-forward block.</summary>
internal static class LayerParts
{
    extension(LayerDescription layer)
    {
        public AttentionBlock Attention => layer.Branches.Select(branch => branch.Block).OfType<AttentionBlock>().Single();

        public GatedMlpBlock Mlp => layer.Branches.Select(branch => branch.Block).OfType<GatedMlpBlock>().Single();
    }
}
